"""The table of routes, and the description of each in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from fastapi import APIRouter, Depends
from starlette.responses import PlainTextResponse

from off_tanet.api.dependencies import accepts, check_encoding
from off_tanet.api.openapi_examples import (
    EXPRESSION,
    INFERENCE,
    PREDICTION,
    SPOTTING,
    failures,
    form_body,
    inference_body,
    inference_failures,
    prediction_body,
    streamed,
    success,
)
from off_tanet.api.routes import health, metrics, model, page, predictions, v2
from off_tanet.schemas.forms import ClipForm, FramesForm, VideoForm
from off_tanet.schemas.oip import InferenceResponseBody
from off_tanet.schemas.prediction import PredictionBody
from off_tanet.schemas.spotting import SpottingBody

VIDEO_PATH = "/v1/predictions/video"
"""Path of the route for long videos, which has its own engine and limits."""

_RECOGNITION: dict[str, Any] = {
    "tags": ["recognition"],
    "response_model": PredictionBody,
    "responses": {
        200: success(PREDICTION),
        **failures(400, 408, 413, 414, 415, 422, 431, 500, 503, 504),
    },
}


def _upload(form: type[FramesForm | ClipForm | VideoForm], example: str) -> dict[str, Any]:
    """Describe a route that accepts a form; `example` is a command that sends one."""
    return {
        **_RECOGNITION,
        "dependencies": [accepts("multipart/form-data", example)],
        "openapi_extra": form_body(form),
    }


_FRAMES: dict[str, Any] = _upload(
    FramesForm, "curl -F onset=@onset.png -F apex=@apex.png URL/v1/predictions/frames"
)
_CLIP: dict[str, Any] = {
    **_upload(ClipForm, "curl -F video=@clip.mp4 URL/v1/predictions/clip"),
    "responses": _RECOGNITION["responses"] | {200: streamed(PREDICTION)},
}
_JSON: dict[str, Any] = {
    **_RECOGNITION,
    "dependencies": [
        accepts(
            "application/json",
            "curl -H 'Content-Type: application/json' -d @request.json URL/v1/predictions",
        )
    ],
    "openapi_extra": prediction_body(),
}
_VIDEO: dict[str, Any] = {
    **_upload(VideoForm, f"curl -F video=@video.mp4 URL{VIDEO_PATH}"),
    "response_model": SpottingBody,
    "responses": _RECOGNITION["responses"]
    | {200: streamed(SPOTTING, "spotting", ("expression", EXPRESSION))},
}
_INFERENCE: dict[str, Any] = {
    "response_model": InferenceResponseBody,
    "responses": {
        200: success(INFERENCE),
        **inference_failures(400, 404, 408, 413, 414, 415, 431, 500, 503, 504),
    },
    "openapi_extra": inference_body(),
}


def routes() -> APIRouter:
    """Create all routes; `operation_id` is the name of the method in generated clients."""
    table = APIRouter()
    _add_get(table, "/", page.index, include_in_schema=False)
    _add_get(table, "/web/{name}", page.file, include_in_schema=False)
    for path, options, operation, route in (
        ("/v1/predictions/frames", _FRAMES, "predict_frames", predictions.frames),
        ("/v1/predictions/clip", _CLIP, "predict_clip", predictions.clip),
        (VIDEO_PATH, _VIDEO, "spot_video", predictions.video),
        ("/v1/predictions", _JSON, "predict", predictions.predictions),
    ):
        table.post(path, operation_id=operation, **options)(route)
    not_ready = failures(503)
    _add_get(
        table,
        "/v1/model",
        model.model,
        tags=["model"],
        responses=not_ready,
        operation_id="get_model",
    )
    _add_inference(table)
    _add_get(table, "/health/live", health.live, operation_id="get_live", tags=["health"])
    _add_get(
        table,
        "/health/ready",
        health.ready,
        tags=["health"],
        responses=not_ready,
        operation_id="get_ready",
    )
    _add_get(
        table,
        "/metrics",
        metrics.metrics,
        tags=["operation"],
        response_class=PlainTextResponse,
        operation_id="get_metrics",
    )
    return table


def _add_get(table: APIRouter, path: str, route: Callable[..., Any], **options: Any) -> None:
    """Add a route that answers GET and HEAD.

    The OpenAPI document would list both methods under the same operation id, therefore a second
    route, for GET alone, is added only for the document.
    """
    hidden = {**options, "include_in_schema": False}
    table.api_route(path, methods=["GET", "HEAD"], **hidden)(route)
    if options.get("include_in_schema", True):
        table.get(path, **options)(route)


def _add_inference(table: APIRouter) -> None:
    """Add the routes of the Open Inference Protocol, for the model and for one version of it."""
    tags: list[str | Enum] = ["inference"]
    not_ready: dict[str, Any] = {"tags": tags, "responses": inference_failures(503)}
    _add_get(table, "/v2", v2.server, tags=tags, operation_id="server_metadata")
    _add_get(table, "/v2/health/live", v2.live, tags=tags, operation_id="server_live")
    _add_get(table, "/v2/health/ready", v2.ready, operation_id="server_ready", **not_ready)
    failed = inference_failures(404, 503)
    for path, name, known in (
        ("/v2/models/{name}", "model", v2.known_model),
        ("/v2/models/{name}/versions/{version}", "model_version", v2.known_version),
    ):
        options: dict[str, Any] = {"tags": tags, "dependencies": [Depends(known)]}
        metadata = {**options, "responses": failed}
        _add_get(table, path, v2.model, operation_id=f"{name}_metadata", **metadata)
        _add_get(table, f"{path}/ready", v2.model_ready, operation_id=f"{name}_ready", **metadata)
        plain = [*options["dependencies"], Depends(check_encoding)]
        infer = {**options, **_INFERENCE, "dependencies": plain}
        table.post(f"{path}/infer", operation_id=f"{name}_infer", **infer)(v2.infer)
