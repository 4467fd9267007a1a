"""What a route asks for, so that its signature reads as a sentence."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Header, HTTPException, Query, Request, UploadFile, params
from starlette.requests import ClientDisconnect

from service.engine import Engine
from service.jobs import Picture
from service.recognition.errors import UnsupportedMediaError
from service.recognition.recognizer import FaceMode


def _engine(request: Request) -> Engine:
    return cast(Engine, request.app.state.engine)


EngineDep = Annotated[Engine, Depends(_engine)]


def _include(
    include: Annotated[
        str,
        Query(
            description="Pictures to add, separated by commas: flow, attention, motion.",
            pattern=r"^((flow|attention|motion)(,(flow|attention|motion))*)?$",
            examples=["flow,attention"],
        ),
    ] = "",
) -> frozenset[Picture]:
    return frozenset(cast(list[Picture], include.split(","))) if include else frozenset()


IncludeDep = Annotated[frozenset[Picture], Depends(_include)]

FaceQuery = Annotated[
    FaceMode,
    Query(description="`auto` finds the face; `none`: the frames are already tight face crops."),
]


def _wants_events(accept: Annotated[str | None, Header(include_in_schema=False)] = None) -> bool:
    kinds = (kind.partition(";")[0].strip() for kind in (accept or "").split(","))
    return "text/event-stream" in kinds


WantsEvents = Annotated[bool, Depends(_wants_events)]


def accepts(media_type: str) -> params.Depends:
    """A dependency that refuses bodies of any other type with 415."""

    def check(request: Request) -> None:
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
    except ClientDisconnect:  # an end like any other, and nothing to log
        raise HTTPException(400, "The body ended too early.") from None


RawBody = Annotated[bytes, Depends(_raw_body)]
