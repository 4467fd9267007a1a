"""Recognition: each route turns its request into a job and the job's answer into JSON."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from off_tanet.api.dependencies import (
    Boundary,
    ClipQueryDep,
    EngineDep,
    QueryDep,
    RunDep,
    RunVideoDep,
    VideosDep,
    WantsEvents,
)
from off_tanet.api.middleware.body_limits import upload
from off_tanet.api.sse import EventStream
from off_tanet.workers.answers import Answer
from off_tanet.workers.engine import Engine
from off_tanet.workers.jobs import ClipJob, FramesJob, JsonJob, VideoJob
from off_tanet.workers.messages import Job


async def frames(
    run: RunDep,
    boundary: Boundary,
    query: QueryDep,
) -> Response:
    """The expression between an onset and an apex picture (PNG, JPEG, WebP, BMP, TIFF).

    `curl -F onset=@onset.png -F apex=@apex.png localhost:8000/v1/predictions/frames`
    """
    return _response(await run(FramesJob(boundary, query)))


async def clip(
    request: Request,
    engine: EngineDep,
    run: RunDep,
    boundary: Boundary,
    query: ClipQueryDep,
    wants_events: WantsEvents,
) -> Response:
    """The expression in a clip (MP4, MOV, AVI, WebM, MKV, GIF); onset and apex are found.

    With `Accept: text/event-stream` the answer is a stream of `progress` events and one
    `prediction` or `problem`; closing the connection cancels the work.

    `curl -F video=@clip.mp4 localhost:8000/v1/predictions/clip`
    """
    job = ClipJob(boundary, query)
    if wants_events:
        return await _stream(request, engine, job, "prediction")
    return _response(await run(job))


async def video(
    request: Request,
    engine: VideosDep,
    run: RunVideoDep,
    boundary: Boundary,
    query: QueryDep,
    wants_events: WantsEvents,
) -> Response:
    """Every expression of a long video (MP4, MOV, AVI, WebM, MKV, GIF), with its course.

    Expressions of up to half a second are recognised, each as a prediction; longer ones are told as
    `macro`. With `Accept: text/event-stream` the answer is a stream of `progress` events, an
    `expression` as soon as each is sure, and one `spotting` or `problem`; closing the connection
    cancels the work.

    `curl -F video=@video.mp4 localhost:8000/v1/predictions/video`
    """
    job = VideoJob(boundary, query)
    if wants_events:
        return await _stream(request, engine, job, "spotting")
    return _response(await run(job))


async def predictions(
    run: RunDep,
    query: QueryDep,
) -> Response:
    """The same as JSON, media in base64."""
    return _response(await run(JsonJob(query)))


async def _stream(request: Request, engine: Engine, job: Job[Answer], name: str) -> EventStream:
    body = await upload(request)
    client = request.app.state.client_of(request.scope)
    engine.check_admission(client)  # so that a refusal is an ordinary problem with its own status
    return EventStream(engine, job, body, client, request.app.state.max_pending_bytes, name)


def _response(answer: Answer) -> Response:
    return Response(answer.json, media_type="application/json")
