"""Recognition: each route turns its request into a job and the job's answer into JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Form, Request, UploadFile
from fastapi.responses import Response

from service.api import examples
from service.api.dependencies import EngineDep, FaceQuery, IncludeDep, RunDep, WantsEvents, content
from service.api.events import event_stream
from service.api.schemas import ClipInput, PredictionRequest
from service.jobs import Answer, ClipJob, FramesJob

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


async def predictions(
    run: RunDep,
    body: Annotated[
        PredictionRequest,
        Body(
            openapi_examples={
                "frames": examples.FRAMES_REQUEST,
                "clip": examples.CLIP_REQUEST,
            }
        ),
    ],
    include: IncludeDep,
    face: FaceQuery = "auto",
) -> Response:
    """The same as JSON, media in base64."""
    given = body.input
    job: FramesJob | ClipJob
    if isinstance(given, ClipInput):
        job = ClipJob(given.video, given.onset_index, given.apex_index, face, include)
    else:
        job = FramesJob(given.onset, given.apex, face, include)
    return _response(await run(job))


def _response(answer: Answer) -> Response:
    return Response(answer.json, media_type="application/json")
