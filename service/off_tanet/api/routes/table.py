"""The table of routes, and the description of each in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends
from starlette.responses import PlainTextResponse

from off_tanet.api.openapi_answers import EXPRESSION, PREDICTION, SPOTTING
from off_tanet.api.openapi_examples import (
    INFERENCE,
    failures,
    form_body,
    inference_body,
    inference_failures,
    or_events,
    prediction_body,
    referred,
    success,
)
from off_tanet.api.paths import STREAM_PATH
from off_tanet.api.routes import health, metrics, model, page, predictions, stream, v2
from off_tanet.schemas.forms import ClipForm, FramesForm, VideoForm
from off_tanet.schemas.oip import InferenceResponseBody
from off_tanet.schemas.prediction import PredictionBody
from off_tanet.schemas.spotting import SpottingBody

_RECOGNITION: dict[str, Any] = {
    "tags": ["recognition"],
    "response_model": PredictionBody,
    "responses": {
        200: referred("named", "unnamed"),
        **failures(400, 408, 413, 414, 415, 422, 431, 500, 503, 504),
    },
}


def _upload(form: type[FramesForm | ClipForm | VideoForm], summary: str) -> dict[str, Any]:
    """Describe a route that accepts a form."""
    return {**_RECOGNITION, "summary": summary, "openapi_extra": form_body(form)}


_FRAMES = _upload(FramesForm, "Classify two pictures")
_CLIP: dict[str, Any] = {
    **_upload(ClipForm, "Classify a clip"),
    "responses": _RECOGNITION["responses"]
    | {200: or_events(referred("named", "unnamed"), ("prediction", PREDICTION))},
}
_JSON: dict[str, Any] = {
    **_RECOGNITION,
    "summary": "Classify two pictures or a clip in JSON",
    "openapi_extra": prediction_body(),
}
_VIDEO: dict[str, Any] = {
    **_upload(VideoForm, "Find the expressions of a long video"),
    "response_model": SpottingBody,
    "responses": _RECOGNITION["responses"]
    | {200: or_events(referred("spotting"), ("expression", EXPRESSION), ("spotting", SPOTTING))},
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
    _add_get(table, page.FACTS_PATH, page.facts, include_in_schema=False)
    _add_get(table, "/web/{name}", page.file, include_in_schema=False)
    _add_get(table, STREAM_PATH, stream.no_socket, include_in_schema=False)
    for path, operation, options in (
        (predictions.FRAMES_PATH, "predict_frames", _FRAMES),
        (predictions.CLIP_PATH, "predict_clip", _CLIP),
        (predictions.VIDEO_PATH, "spot_video", _VIDEO),
        (predictions.JSON_PATH, "predict", _JSON),
    ):
        table.post(path, operation_id=operation, **options)(predictions.ENDPOINTS[path])
    _add_model(table)
    _add_inference(table)
    _add_operation(table)
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


def _add_model(table: APIRouter) -> None:
    _add_get(
        table,
        "/v1/model",
        model.model,
        operation_id="get_model",
        summary="Describe the model",
        tags=["model"],
        responses=failures(503),
    )


def _add_operation(table: APIRouter) -> None:
    """Add the health checks and the metrics."""
    _add_get(
        table,
        "/health/live",
        health.live,
        operation_id="get_live",
        summary="Check that the process is alive",
        tags=["health"],
    )
    _add_get(
        table,
        "/health/ready",
        health.ready,
        operation_id="get_ready",
        summary="Check that requests are accepted",
        tags=["health"],
        responses=failures(503),
    )
    _add_get(
        table,
        "/metrics",
        metrics.metrics,
        operation_id="get_metrics",
        summary="Return Prometheus metrics",
        tags=["operation"],
        response_class=PlainTextResponse,
    )


def _add_inference(table: APIRouter) -> None:
    """Add the routes of the Open Inference Protocol."""
    described: dict[str, Any] = {"tags": ["inference"]}
    not_ready = {**described, "responses": inference_failures(503)}
    _add_get(
        table,
        "/v2",
        v2.server,
        operation_id="server_metadata",
        summary="Describe the service",
        **described,
    )
    _add_get(
        table,
        "/v2/health/live",
        v2.live,
        operation_id="server_live",
        summary="Check that the process is alive",
        **described,
    )
    _add_get(
        table,
        "/v2/health/ready",
        v2.ready,
        operation_id="server_ready",
        summary="Check that requests are accepted",
        **not_ready,
    )
    _add_model_inference(table, "/v2/models/{name}", "model", v2.known_model)
    _add_model_inference(
        table, "/v2/models/{name}/versions/{version}", "model_version", v2.known_version
    )


def _add_model_inference(
    table: APIRouter, path: str, name: str, known: Callable[..., Awaitable[None]]
) -> None:
    """Add the routes of the model or of one version of it, which the dependency `known` checks."""
    described: dict[str, Any] = {"tags": ["inference"], "dependencies": [Depends(known)]}
    not_ready = {**described, "responses": inference_failures(404, 503)}
    _add_get(
        table,
        path,
        v2.model,
        operation_id=f"{name}_metadata",
        summary="Describe the inputs and outputs of the model",
        **not_ready,
    )
    _add_get(
        table,
        f"{path}/ready",
        v2.model_ready,
        operation_id=f"{name}_ready",
        summary="Check that the model accepts requests",
        **not_ready,
    )
    infer = {
        **described,
        **_INFERENCE,
        "dependencies": [Depends(known)],
        "summary": "Classify optical flow",
    }
    table.post(f"{path}/infer", operation_id=f"{name}_infer", **infer)(v2.infer)
