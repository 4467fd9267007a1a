"""The application: one flat table of routes, and what goes around them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

import limits
from fastapi import APIRouter, Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from service import logs
from service.answers import warm_up
from service.api import exchanges, problems
from service.api.admission import AdmissionMiddleware
from service.api.bodies import Bodies, BodyLimitMiddleware
from service.api.clients import client_of
from service.api.dependencies import accepts, check_encoding
from service.api.document import DocumentedApp
from service.api.examples import (
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
from service.api.forms import ClipForm, FramesForm, VideoForm
from service.api.headers import SecurityHeadersMiddleware
from service.api.heads import HeadLimitMiddleware
from service.api.hosts import HostMiddleware
from service.api.identity import RequestIdMiddleware
from service.api.inference import InferenceResponseBody
from service.api.metrics import Metrics
from service.api.quota import QuotaMiddleware
from service.api.routes import health, metrics, model, page, predictions, v2
from service.api.schemas import PredictionBody
from service.api.security import KeyFile, KeyMiddleware
from service.api.spottings import SpottingBody
from service.engine import Engine
from service.jobs import JOBS
from service.settings import Settings, SettingsError

if TYPE_CHECKING:
    from service.api.tracing import Tracing

_RECOGNITION: dict[str, Any] = {
    "tags": ["recognition"],
    "response_model": PredictionBody,
    "responses": {
        200: success(PREDICTION),
        **failures(400, 408, 413, 414, 415, 422, 431, 500, 503, 504),
    },
}
_UPLOAD: dict[str, Any] = {**_RECOGNITION, "dependencies": [accepts("multipart/form-data")]}
_FRAMES: dict[str, Any] = {**_UPLOAD, "openapi_extra": form_body(FramesForm)}
_CLIP: dict[str, Any] = {
    **_UPLOAD,
    "openapi_extra": form_body(ClipForm),
    "responses": _RECOGNITION["responses"] | {200: streamed(PREDICTION)},
}
_JSON: dict[str, Any] = {
    **_RECOGNITION,
    "dependencies": [accepts("application/json")],
    "openapi_extra": prediction_body(),
}
_VIDEO_PATH = "/v1/predictions/video"
_VIDEO: dict[str, Any] = {
    **_UPLOAD,
    "openapi_extra": form_body(VideoForm),
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
_CORS: dict[str, Any] = {
    "allow_methods": ("GET", "HEAD", "POST"),
    "allow_headers": ("Authorization", "Content-Type", "X-API-Key", "X-Request-ID"),
    "expose_headers": ("Retry-After", "X-Request-ID"),
}

# The framework's own traces hold paths, queries and messages of exceptions.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application; its workers live as long as its lifespan.

    Raises SettingsError where a setting needs what is not installed, OSError and ValueError for a
    file of keys that cannot be used.
    """
    settings = settings or Settings()
    engine = Engine(settings.configuration, settings.engine_limits, JOBS, warm_up)
    videos = Engine(settings.configuration, settings.video_limits, JOBS, warm_up)
    tracing = _tracing(settings.otlp_endpoint)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(logs.tell_of_loop_error)
        engine.start()
        videos.start_when_asked()
        yield
        give_up = time.monotonic() + settings.grace_s
        await app.state.drain()
        if tracing is not None:
            await tracing.close(give_up - time.monotonic())

    app = DocumentedApp(
        title="Off-TANet",
        summary="Micro-expression recognition: two frames or a clip in, class probabilities out.",
        description=_DESCRIPTION,
        version="1",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
        redirect_slashes=False,  # its redirects name whatever host the request or its path names
    )
    app.keyed = settings.api_keys is not None
    app.state.engine, app.state.videos = engine, videos
    app.state.client_of = client_of(settings.share_by)
    bodies = Bodies(settings.body_limits, app.state.client_of)
    app.state.drain = partial(_stop, (engine, videos), bodies)
    app.state.metrics = Metrics(engine, videos)
    app.state.max_pending_bytes = settings.max_pending_bytes
    problems.install(app)
    table = _routes()
    app.include_router(table)
    app.add_middleware(
        AdmissionMiddleware,
        engine=engine,
        others={_VIDEO_PATH: videos},
        client_of=app.state.client_of,
    )
    _surround(app, settings, bodies)
    observers = [app.state.metrics.observe, exchanges.log_exchange]
    if tracing is not None:
        observers.append(tracing.observe)
    app.add_middleware(
        exchanges.ExchangeMiddleware,
        templates=frozenset(route.path for route in table.routes if isinstance(route, Route)),
        observers=tuple(observers),
    )
    app.add_middleware(RequestIdMiddleware)
    return app


async def _stop(engines: Sequence[Engine], bodies: Bodies) -> None:
    """Let all engines end their work at the same time, each within its own grace period."""
    bodies.stop()
    await asyncio.gather(*(engine.stop() for engine in engines))


def _tracing(endpoint: str | None) -> Tracing | None:
    """Imports what traces need only where they are asked for."""
    if endpoint is None:
        return None
    try:
        from service.api.tracing import Tracing
    except ModuleNotFoundError:
        raise SettingsError(
            "OFF_TANET_OTLP_ENDPOINT needs the extra otel: pip install 'off-tanet[otel]'"
        ) from None
    return Tracing(endpoint)


def _surround(app: FastAPI, settings: Settings, bodies: Bodies) -> None:
    """What guards the routes, from the inside to the outside."""
    app.add_middleware(
        BodyLimitMiddleware,
        bodies=bodies,
        others={_VIDEO_PATH: (settings.max_video_bytes, "video_bytes")},
    )
    if settings.quota is not None:
        app.add_middleware(QuotaMiddleware, quota=limits.parse(settings.quota))
    if settings.api_keys is not None:
        app.add_middleware(KeyMiddleware, keys=KeyFile(settings.api_keys))
    app.add_middleware(HostMiddleware)
    app.add_middleware(HeadLimitMiddleware, limits=settings.head_limits)
    app.add_middleware(problems.UnexpectedErrorMiddleware)
    if origins := settings.allowed_origins:
        app.add_middleware(CORSMiddleware, allow_origins=origins, **_CORS)
    app.add_middleware(SecurityHeadersMiddleware)


def _routes() -> APIRouter:
    """Every route; `operation_id` is what a generated client calls it."""
    table = APIRouter()
    _add_get(table, "/", page.index, include_in_schema=False)
    _add_get(table, "/web/{name}", page.file, include_in_schema=False)
    for path, options, operation, route in (
        ("/v1/predictions/frames", _FRAMES, "predict_frames", predictions.frames),
        ("/v1/predictions/clip", _CLIP, "predict_clip", predictions.clip),
        (_VIDEO_PATH, _VIDEO, "spot_video", predictions.video),
        ("/v1/predictions", _JSON, "predict", predictions.predictions),
    ):
        table.post(path, operation_id=operation, **options)(route)
    unready = failures(503)
    _add_get(
        table, "/v1/model", model.model, tags=["model"], responses=unready, operation_id="get_model"
    )
    _add_inference(table)
    _add_get(table, "/health/live", health.live, operation_id="get_live", tags=["health"])
    _add_get(
        table,
        "/health/ready",
        health.ready,
        tags=["health"],
        responses=unready,
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
    """A route that answers HEAD as well as GET. The first answers; the document, which would list
    both of its methods as the same operation, has the second."""
    hidden = {**options, "include_in_schema": False}
    table.api_route(path, methods=["GET", "HEAD"], **hidden)(route)
    if options.get("include_in_schema", True):
        table.get(path, **options)(route)


def _add_inference(table: APIRouter) -> None:
    """The routes of the Open Inference Protocol, for the model and for a version of it."""
    tags: list[str | Enum] = ["inference"]
    unready: dict[str, Any] = {"tags": tags, "responses": inference_failures(503)}
    _add_get(table, "/v2", v2.server, tags=tags, operation_id="server_metadata")
    _add_get(table, "/v2/health/live", v2.live, tags=tags, operation_id="server_live")
    _add_get(table, "/v2/health/ready", v2.ready, operation_id="server_ready", **unready)
    refused = inference_failures(404, 503)
    for path, what, known in (
        ("/v2/models/{name}", "model", v2.known_model),
        ("/v2/models/{name}/versions/{version}", "model_version", v2.known_version),
    ):
        options: dict[str, Any] = {"tags": tags, "dependencies": [Depends(known)]}
        about = {**options, "responses": refused}
        _add_get(table, path, v2.model, operation_id=f"{what}_metadata", **about)
        _add_get(table, f"{path}/ready", v2.model_ready, operation_id=f"{what}_ready", **about)
        plain = [*options["dependencies"], Depends(check_encoding)]
        infer = {**options, **_INFERENCE, "dependencies": plain}
        table.post(f"{path}/infer", operation_id=f"{what}_infer", **infer)(v2.infer)


_DESCRIPTION = """\
Answers how a face moved between an onset and an apex frame resembles the motion of three classes
of micro-expression. The scores describe a motion in a picture; they are no finding about what a
person feels, thinks or intends, and must not be used to decide about people. Inferring emotions at
work and in education is prohibited in the European Union (Regulation 2024/1689, Article 5(1)(f)).
"""
