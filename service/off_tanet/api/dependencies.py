"""FastAPI dependencies of the routes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Annotated, Protocol, TypeVar, cast

from fastapi import Depends, Header, Request, params
from python_multipart.multipart import parse_options_header
from starlette.types import Receive

from off_tanet.api.metrics import Metrics
from off_tanet.api.middleware.body_limits import read_upload
from off_tanet.api.middleware.instrumentation import record_stages, record_wait
from off_tanet.errors import ClientGoneError, MalformedFormError, UnsupportedMediaError
from off_tanet.schemas import compression
from off_tanet.schemas.options import ClipOptions, Options, Query, read_query
from off_tanet.workers.engine import Engine
from off_tanet.workers.messages import Job

# The parser's time grows with the square of their number: 16,000, which fit into the headers, took
# 15 ms.
_MAX_TYPE_PARAMETERS = 16
_UTF_8 = {b"utf-8", b"utf8"}


class Timed(Protocol):
    """The answer of any job."""

    @property
    def stages_ms(self) -> Mapping[str, float]:
        """Milliseconds of each stage in order, and their `total`."""
        ...


T = TypeVar("T", bound=Timed)


async def _engine(request: Request) -> Engine:
    return cast(Engine, request.app.state.engine)


EngineDep = Annotated[Engine, Depends(_engine)]


async def _video_engine(request: Request) -> Engine:
    return cast(Engine, request.app.state.video_engine)


VideoEngineDep = Annotated[Engine, Depends(_video_engine)]


async def _metrics(request: Request) -> Metrics:
    return cast(Metrics, request.app.state.metrics)


MetricsDep = Annotated[Metrics, Depends(_metrics)]


class Run(Protocol):
    """Runs a job on the request's body and returns its answer."""

    def __call__(self, job: Job[T], /) -> Awaitable[T]:
        """Run the job."""
        ...


def _run_on(request: Request, engine: Engine) -> Run:
    """Return a function that runs a job until it ends or the client disconnects."""

    async def run(job: Job[T]) -> T:
        upload = await read_upload(request)
        client = request.app.state.client_of(request.scope)
        waited = partial(record_wait, request.scope)
        work = asyncio.create_task(engine.run(job, upload, client=client, waited=waited))
        gone = asyncio.create_task(disconnected(request.receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ClientGoneError("The client closed the connection.")
            answer = work.result()
            record_stages(request.scope, answer.stages_ms)
            return answer
        finally:
            gone.cancel()
            work.cancel()

    return run


async def _run(request: Request, engine: EngineDep) -> Run:
    return _run_on(request, engine)


RunDep = Annotated[Run, Depends(_run)]


async def _run_video(request: Request, engine: VideoEngineDep) -> Run:
    return _run_on(request, engine)


RunVideoDep = Annotated[Run, Depends(_run_video)]


async def disconnected(receive: Receive) -> None:
    """Wait until the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _query(request: Request) -> Query:
    return read_query(Options, request.query_params.multi_items())


QueryDep = Annotated[Query, Depends(_query)]


async def _clip_query(request: Request) -> Query:
    return read_query(ClipOptions, request.query_params.multi_items())


ClipQueryDep = Annotated[Query, Depends(_clip_query)]


def _accepts_events(media_range: str) -> bool:
    """Whether one range of an Accept header is that of events; a weight of 0 excludes them."""
    media_type, parameters = parse_options_header(media_range)
    return media_type == b"text/event-stream" and parameters.get(b"q", b"1").strip(b"0.") != b""


async def _wants_events(
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> bool:
    return any(map(_accepts_events, (accept or "").split(",")))


WantsEvents = Annotated[bool, Depends(_wants_events)]


def accepts(media_type: str, example: str) -> params.Depends:
    """Return a dependency that refuses bodies of any other type with 415, before they are read.

    Args:
        media_type: The accepted type, without parameters.
        example: A command that sends a body of this type, for the error's detail.
    """

    async def check(request: Request) -> None:
        declared, options = _content_type(request)
        if declared.decode("latin-1") != media_type:
            raise UnsupportedMediaError(f"This route accepts {media_type}, for example: {example}")
        if options.get(b"charset", b"utf-8").lower() not in _UTF_8:
            raise UnsupportedMediaError("This route accepts only text in UTF-8.")
        await check_encoding(request)

    return params.Depends(check)


def _content_type(request: Request) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the media type and its parameters, unless there are too many to parse."""
    declared = request.headers.get("content-type", "")
    if declared.count(";") > _MAX_TYPE_PARAMETERS:
        raise UnsupportedMediaError(
            f"The Content-Type has more than {_MAX_TYPE_PARAMETERS} parameters."
        )
    return parse_options_header(declared)


async def check_encoding(request: Request) -> None:
    """Raise UnsupportedMediaError if the body is declared to be compressed."""
    compression.check_header(request.headers.get("content-encoding", ""))


async def _boundary(request: Request) -> bytes:
    _, options = _content_type(request)
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise MalformedFormError(
            "The Content-Type of the form has no boundary: let the HTTP client set this header."
        )
    return boundary


Boundary = Annotated[bytes, Depends(_boundary)]
