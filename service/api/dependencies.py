"""What a route asks for, so that its signature reads as a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Annotated, Protocol, TypeVar, cast, get_args

from fastapi import Depends, Header, Query, Request, UploadFile, params
from starlette.requests import ClientDisconnect

from service.api.exchanges import note_stages, note_wait
from service.api.metrics import Metrics
from service.api.schemas import Included
from service.engine import Engine
from service.jobs import Timed
from service.recognition.errors import ClientGoneError, UnsupportedMediaError
from service.recognition.recognizer import FaceMode
from service.worker import Job

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
    """Carries out a job and gives its answer."""

    def __call__(self, job: Job[T], /) -> Awaitable[T]: ...


def _runs_on(request: Request, engine: Engine) -> Run:
    """Carries out a job for as long as its client waits for it."""

    async def run(job: Job[T]) -> T:
        waited = partial(note_wait, request.scope)
        work = asyncio.create_task(engine.run(job, waited=waited))
        gone = asyncio.create_task(_disconnected(request))
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


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


_INCLUDED: tuple[Included, ...] = get_args(Included)
_ANY = "|".join(_INCLUDED)


async def _include(
    include: Annotated[
        str,
        Query(
            description=f"What to add, separated by commas: {', '.join(_INCLUDED)}.",
            pattern=rf"^(({_ANY})(,({_ANY}))*)?$",
            examples=["flow,attention"],
        ),
    ] = "",
) -> frozenset[Included]:
    return frozenset(cast(list[Included], include.split(","))) if include else frozenset()


IncludeDep = Annotated[frozenset[Included], Depends(_include)]

FaceQuery = Annotated[
    FaceMode,
    Query(description="`auto` finds the face; `none`: the frames are already tight face crops."),
]


async def _wants_events(
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> bool:
    kinds = (kind.partition(";")[0].strip() for kind in (accept or "").split(","))
    return "text/event-stream" in kinds


WantsEvents = Annotated[bool, Depends(_wants_events)]


def accepts(media_type: str) -> params.Depends:
    """A dependency that refuses bodies of any other type with 415."""

    async def check(request: Request) -> None:
        declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared != media_type:
            raise UnsupportedMediaError(f"This route takes {media_type}.")

    return params.Depends(check)


async def content(upload: UploadFile) -> bytes:
    """The bytes of one uploaded part."""
    return await upload.read()


async def _raw_body(request: Request) -> bytes:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaError("This route takes bodies that are not compressed.")
    try:
        return await request.body()
    except ClientDisconnect:
        raise ClientGoneError("The client closed the connection.") from None


RawBody = Annotated[bytes, Depends(_raw_body)]
