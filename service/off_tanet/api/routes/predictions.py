"""Recognition routes: each converts its request to a job and the answer of the job to JSON."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from off_tanet.api.middleware.body_limits import read_upload
from off_tanet.api.requests import boundary, check_json, query, run_job, wants_events
from off_tanet.api.sse import EventStream
from off_tanet.schemas.options import ClipOptions, Options
from off_tanet.workers.answer_types import Answer
from off_tanet.workers.engine import Engine
from off_tanet.workers.jobs import ClipJob, FramesJob, JsonJob, VideoJob
from off_tanet.workers.messages import Job

FRAMES_PATH = "/v1/predictions/frames"
CLIP_PATH = "/v1/predictions/clip"
VIDEO_PATH = "/v1/predictions/video"
"""Path of the route for long videos, which has its own engine and limits."""
JSON_PATH = "/v1/predictions"

# Commands that send what the routes accept, for their errors.
_SEND_FRAMES = f"curl -F onset=@onset.png -F apex=@apex.png URL{FRAMES_PATH}"
_SEND_CLIP = f"curl -F video=@clip.mp4 URL{CLIP_PATH}"
_SEND_VIDEO = f"curl -F video=@video.mp4 URL{VIDEO_PATH}"
_SEND_JSON = f"curl -H 'Content-Type: application/json' -d @request.json URL{JSON_PATH}"


async def frames(request: Request) -> Response:
    """Classify the expression between an onset and an apex picture.

    Pictures may be PNG, JPEG, WebP, BMP or TIFF, and must have the same size.

    `curl -F onset=@onset.png -F apex=@apex.png localhost:8000/v1/predictions/frames`
    """
    job = FramesJob(boundary(request, _SEND_FRAMES), query(request, Options))
    return await _answer(request, request.app.state.engine, job)


async def clip(request: Request) -> Response:
    """Classify the expression in a short clip.

    Clips may be MP4, MOV, AVI, WebM, MKV or GIF. The onset and apex frames are found automatically
    unless `onset_index` or `apex_index` is given.

    With `Accept: text/event-stream` the response is a stream of `progress` events, followed by one
    `prediction` or `problem` event. Closing the connection cancels the work.

    `curl -F video=@clip.mp4 localhost:8000/v1/predictions/clip`
    """
    job = ClipJob(boundary(request, _SEND_CLIP), query(request, ClipOptions))
    return await _answer_or_stream(request, request.app.state.engine, job, "prediction")


async def video(request: Request) -> Response:
    """Find every expression of a long video, with its onset, apex and offset.

    Videos may be MP4, MOV, AVI, WebM, MKV or GIF. By default, expressions of up to half a second
    are `micro`, longer ones `macro`; each has a prediction. `events` lists blinks, speech, turns of
    the head, and when no face is found; `video` says for how many seconds nothing was judged.

    With `Accept: text/event-stream` the response is a stream of `progress` events and one
    `expression` event for each expression as soon as it is certain, followed by one `spotting` or
    `problem` event. Closing the connection cancels the work.

    `curl -F video=@video.mp4 localhost:8000/v1/predictions/video`
    """
    job = VideoJob(boundary(request, _SEND_VIDEO), query(request, Options))
    return await _answer_or_stream(request, request.app.state.video_engine, job, "spotting")


async def predictions(request: Request) -> Response:
    """Classify two pictures or a clip that are sent as base64 in JSON."""
    check_json(request, _SEND_JSON)
    job = JsonJob(query(request, Options))
    return await _answer(request, request.app.state.engine, job)


ENDPOINTS = {FRAMES_PATH: frames, CLIP_PATH: clip, VIDEO_PATH: video, JSON_PATH: predictions}
"""The function of each path."""


async def _answer(request: Request, engine: Engine, job: Job[Answer]) -> Response:
    answer = await run_job(request, engine, job)
    return Response(answer.json, media_type="application/json")


async def _answer_or_stream(
    request: Request, engine: Engine, job: Job[Answer], name: str
) -> Response:
    """Return the answer, or a stream of events whose last one is the answer, named `name`."""
    if not wants_events(request):
        return await _answer(request, engine, job)
    upload = await read_upload(request)
    client = request.app.state.client_of(request.scope)
    await engine.admission(client)  # a refusal is an ordinary response with its own status
    return EventStream(engine, job, upload, client, request.app.state.max_pending_bytes, name)
