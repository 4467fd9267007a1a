"""What a route asks for, so that its signature reads as a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Annotated, Protocol, TypeVar, cast

from fastapi import Depends, Header, Request, params
from python_multipart.multipart import parse_options_header
from starlette.types import Receive

from off_tanet.api.metrics import Metrics
from off_tanet.api.middleware.body_limits import upload
from off_tanet.api.middleware.instrumentation import note_stages, note_wait
from off_tanet.errors import ClientGoneError, MalformedFormError, UnsupportedMediaError
from off_tanet.schemas import compression
from off_tanet.schemas.options import ClipOptions, Options, Query, read_query
from off_tanet.workers.engine import Engine
from off_tanet.workers.messages import Job

# The parser's time grows with their square: 16,000, which fit into the headers, were 15 ms.
_MOST_TYPE_PARAMETERS = 16
_UTF_8 = {b"utf-8", b"utf8"}


class Timed(Protocol):
    """What every job answers with, whatever else."""

    @property
    def stages_ms(self) -> Mapping[str, float]:
        """Milliseconds of each stage, in their order, and `total`."""
        ...


T = TypeVar("T", bound=Timed)


async def _engine(request: Request) -> Engine:
    return cast(Engine, request.app.state.engine)


EngineDep = Annotated[Engine, Depends(_engine)]


async def _videos(request: Request) -> Engine:
    return cast(Engine, request.app.state.videos)


VideosDep = Annotated[Engine, Depends(_videos)]


async def _metrics(request: Request) -> Metrics:
    return cast(Metrics, request.app.state.metrics)


MetricsDep = Annotated[Metrics, Depends(_metrics)]


class Run(Protocol):
    """Carries out a job with the request's body, and gives its answer."""

    def __call__(self, job: Job[T], /) -> Awaitable[T]: ...


def _runs_on(request: Request, engine: Engine) -> Run:
    """Carries out a job for as long as its client waits for it."""

    async def run(job: Job[T]) -> T:
        body = await upload(request)
        waited = partial(note_wait, request.scope)
        work = asyncio.create_task(
            engine.run(job, body, client=request.app.state.client_of(request.scope), waited=waited)
        )
        gone = asyncio.create_task(disconnected(request.receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ClientGoneError("The client closed the connection.")
            answer = work.result()
            note_stages(request.scope, answer.stages_ms)
            return answer
        finally:
            gone.cancel()
            work.cancel()

    return run


async def _run(request: Request, engine: EngineDep) -> Run:
    return _runs_on(request, engine)


RunDep = Annotated[Run, Depends(_run)]


async def _run_video(request: Request, videos: VideosDep) -> Run:
    return _runs_on(request, videos)


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


def _takes_events(kind: str) -> bool:
    """Whether one of the kinds of an Accept header is that of events; a weight of 0 refuses it."""
    media_type, parameters = parse_options_header(kind)
    return media_type == b"text/event-stream" and parameters.get(b"q", b"1").strip(b"0.") != b""


async def _wants_events(
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> bool:
    return any(map(_takes_events, (accept or "").split(",")))


WantsEvents = Annotated[bool, Depends(_wants_events)]


def accepts(media_type: str, example: str) -> params.Depends:
    """A dependency that refuses bodies of any other type with 415, before they are read.

    `example` is a command that sends one of this type.
    """

    async def check(request: Request) -> None:
        declared, options = _content_type(request)
        if declared.decode("latin-1") != media_type:
            raise UnsupportedMediaError(f"This route takes {media_type}, as from: {example}")
        if options.get(b"charset", b"utf-8").lower() not in _UTF_8:
            raise UnsupportedMediaError("This route takes text in UTF-8.")
        await check_encoding(request)

    return params.Depends(check)


def _content_type(request: Request) -> tuple[bytes, dict[bytes, bytes]]:
    """The media type and its parameters. Raises UnsupportedMediaError where there are too many."""
    declared = request.headers.get("content-type", "")
    if declared.count(";") > _MOST_TYPE_PARAMETERS:
        raise UnsupportedMediaError(f"More than {_MOST_TYPE_PARAMETERS} parameters of a type.")
    return parse_options_header(declared)


async def check_encoding(request: Request) -> None:
    """Raises UnsupportedMediaError for a body that is compressed."""
    compression.check_header(request.headers.get("content-encoding", ""))


async def _boundary(request: Request) -> bytes:
    _, options = _content_type(request)
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise MalformedFormError(
            "The Content-Type of the form names no boundary: let the HTTP client set this header."
        )
    return boundary


Boundary = Annotated[bytes, Depends(_boundary)]
