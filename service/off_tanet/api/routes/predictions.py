"""Recognition routes: each converts its request to a job and the answer of the job to JSON."""

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
    VideoEngineDep,
    WantsEvents,
)
from off_tanet.api.middleware.body_limits import read_upload
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
    """Classify the expression between an onset and an apex picture.

    Pictures may be PNG, JPEG, WebP, BMP or TIFF, and must have the same size.

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
    """Classify the expression in a short clip.

    Clips may be MP4, MOV, AVI, WebM, MKV or GIF. The onset and apex frames are found automatically
    unless `onset_index` or `apex_index` is given.

    With `Accept: text/event-stream` the response is a stream of `progress` events, followed by one
    `prediction` or `problem` event. Closing the connection cancels the work.

    `curl -F video=@clip.mp4 localhost:8000/v1/predictions/clip`
    """
    job = ClipJob(boundary, query)
    if wants_events:
        return await _stream(request, engine, job, "prediction")
    return _response(await run(job))


async def video(
    request: Request,
    engine: VideoEngineDep,
    run: RunVideoDep,
    boundary: Boundary,
    query: QueryDep,
    wants_events: WantsEvents,
) -> Response:
    """Find every expression of a long video, with its onset, apex and offset.

    Videos may be MP4, MOV, AVI, WebM, MKV or GIF. By default, expressions of up to half a second
    are `micro`, longer ones `macro`; each has a prediction. `events` lists blinks, speech, turns of
    the head, and when no face is found; `video` says for how many seconds nothing was judged.

    With `Accept: text/event-stream` the response is a stream of `progress` events and one
    `expression` event for each expression as soon as it is certain, followed by one `spotting` or
    `problem` event. Closing the connection cancels the work.

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
    """Classify two pictures or a clip that are sent as base64 in JSON."""
    return _response(await run(JsonJob(query)))


async def _stream(request: Request, engine: Engine, job: Job[Answer], name: str) -> EventStream:
    upload = await read_upload(request)
    client = request.app.state.client_of(request.scope)
    engine.check_admission(client)  # a refusal is an ordinary response with its own status
    return EventStream(engine, job, upload, client, request.app.state.max_pending_bytes, name)


def _response(answer: Answer) -> Response:
    return Response(answer.json, media_type="application/json")
