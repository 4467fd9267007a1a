"""Recognition: each route turns its request into a job and the job's answer into JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request, UploadFile
from fastapi.responses import Response

from service.api.dependencies import (
    EngineDep,
    FaceQuery,
    IncludeDep,
    RawBody,
    RunDep,
    RunVideoDep,
    VideosDep,
    WantsEvents,
    content,
)
from service.api.events import event_stream
from service.jobs import Answer, ClipJob, FramesJob, JsonJob, VideoJob

Index = Annotated[int | None, Form(ge=0)]


async def frames(
    run: RunDep,
    onset: UploadFile,
    apex: UploadFile,
    include: IncludeDep,
    face: FaceQuery = "auto",
) -> Response:
    """The expression between an onset and an apex picture (PNG, JPEG, WebP, BMP, TIFF).

    `curl -F onset=@onset.png -F apex=@apex.png localhost:8000/v1/predictions/frames`
    """
    job = FramesJob(await content(onset), await content(apex), face, include)
    return _response(await run(job))


async def clip(
    request: Request,
    engine: EngineDep,
    run: RunDep,
    video: UploadFile,
    include: IncludeDep,
    wants_events: WantsEvents,
    onset_index: Index = None,
    apex_index: Index = None,
    face: FaceQuery = "auto",
) -> Response:
    """The expression in a clip (MP4, MOV, AVI, WebM, MKV, GIF); onset and apex are found.

    With `Accept: text/event-stream` the answer is a stream of `progress` events and one
    `prediction` or `problem`; closing the connection cancels the work.

    `curl -F video=@clip.mp4 localhost:8000/v1/predictions/clip`
    """
    job = ClipJob(await content(video), onset_index, apex_index, face, include)
    if wants_events:
        return event_stream(request.scope, engine, job)
    return _response(await run(job))


async def video(
    request: Request,
    engine: VideosDep,
    run: RunVideoDep,
    video: UploadFile,
    include: IncludeDep,
    wants_events: WantsEvents,
    face: FaceQuery = "auto",
) -> Response:
    """Every expression of a long video (MP4, MOV, AVI, WebM, MKV, GIF), with its course.

    Expressions of up to half a second are recognised, each as a prediction; longer ones are told as
    `macro`. With `Accept: text/event-stream` the answer is a stream of `progress` events, an
    `expression` as soon as each is sure, and one `spotting` or `problem`; closing the connection
    cancels the work.

    `curl -F video=@video.mp4 localhost:8000/v1/predictions/video`
    """
    job = VideoJob(await content(video), face, include)
    if wants_events:
        return event_stream(request.scope, engine, job, "spotting")
    return _response(await run(job))


async def predictions(
    run: RunDep,
    body: RawBody,
    include: IncludeDep,
    face: FaceQuery = "auto",
) -> Response:
    """The same as JSON, media in base64."""
    return _response(await run(JsonJob(body, face, include)))


def _response(answer: Answer) -> Response:
    return Response(answer.json, media_type="application/json")
