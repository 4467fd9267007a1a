"""The ASGI application: its engines, routes and middleware."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import State
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from off_tanet import logs
from off_tanet.api import problems
from off_tanet.api.live.service import LiveService
from off_tanet.api.metrics import Metrics
from off_tanet.api.middleware.admission import AdmissionMiddleware
from off_tanet.api.middleware.auth import AuthGuard, KeyFile
from off_tanet.api.middleware.body_limits import (
    BodyBudget,
    BodyLengthGuard,
    BodyLimitMiddleware,
)
from off_tanet.api.middleware.client_id import client_of
from off_tanet.api.middleware.direct import DirectMiddleware
from off_tanet.api.middleware.errors import ErrorMiddleware
from off_tanet.api.middleware.exchange import ExchangeMiddleware
from off_tanet.api.middleware.guard import Guard, GuardMiddleware
from off_tanet.api.middleware.header_limits import HeaderLimitGuard
from off_tanet.api.middleware.hosts import HostGuard
from off_tanet.api.middleware.instrumentation import Observer, log_request
from off_tanet.api.middleware.origin import OriginGuard
from off_tanet.api.middleware.sockets import SocketMiddleware
from off_tanet.api.openapi import DocumentedApp
from off_tanet.api.paths import HEALTH_PATHS
from off_tanet.api.routes import docs, page, v2
from off_tanet.api.routes.predictions import ENDPOINTS, VIDEO_PATH
from off_tanet.api.routes.table import routes
from off_tanet.environment import load
from off_tanet.setting_names import variable
from off_tanet.settings import Settings, SettingsError
from off_tanet.workers.batching import InferenceBatcher
from off_tanet.workers.engine import Engine
from off_tanet.workers.jobs import JOBS, warm_up

if TYPE_CHECKING:
    from off_tanet.api.tracing import Tracing

_CORS: dict[str, Any] = {
    "allow_methods": ("GET", "HEAD", "POST"),
    "allow_headers": ("Authorization", "Content-Type", "X-API-Key", "X-Request-ID"),
    "expose_headers": ("Link", "Retry-After", "X-Request-ID"),
}

# The framework's own telemetry contains paths, queries and messages of exceptions.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

OPEN_PATHS = page.PATHS | {page.FACTS_PATH} | docs.PATHS | HEALTH_PATHS
"""Paths that need no API key: the health checks, and the pages, which have a field for the key."""


def create_app(settings: Settings | None = None) -> DocumentedApp:
    """Create the service as an ASGI application.

    Its worker processes start and end with the application's lifespan.

    Args:
        settings: The settings; by default they are read from the environment.

    Returns:
        The application, for a server such as uvicorn or for mounting in another application.

    Raises:
        SettingsError: A setting is unknown, has a bad value or needs an extra that is not
            installed.
        OSError: The file of API keys cannot be read.
        ValueError: The file of API keys is malformed.
    """
    settings = settings or load()
    heads = (HeaderLimitGuard(settings.header_limits), HostGuard())
    clients = tuple(_client_guards(settings))
    state = _state(settings, clients)
    tracing = _tracing(settings.otlp_endpoint)
    app = _documented_app(_lifespan(state, settings, tracing))
    app.requires_key = settings.api_keys is not None
    app.state = state
    problems.install(app)
    table = routes()
    state.docs = docs.PATH if settings.docs else None
    if settings.docs:
        table.include_router(docs.routes())
    app.include_router(table)
    _add_middleware(app, table, settings, (*heads, *clients))
    observers = _observers(state.metrics, tracing)
    _add_exchange(app, table, observers)
    app.add_middleware(
        SocketMiddleware,
        live=state.live,
        guards=(*heads, OriginGuard(settings.allowed_origins)),
        observers=observers,
    )
    return app


def _documented_app(lifespan: Lifespan) -> DocumentedApp:
    return DocumentedApp(
        title="Off-TANet",
        summary="Micro-expression recognition: two frames or a clip in, class probabilities out.",
        description=_DESCRIPTION,
        version="1",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=_TAGS,
        lifespan=lifespan,
        docs_url=None,  # the framework's page loads scripts from another site
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
        redirect_slashes=False,  # its redirects repeat any host that the request or its path names
    )


def _lifespan(state: State, settings: Settings, tracing: Tracing | None) -> Lifespan:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:  # possibly an app that mounts this one
        asyncio.get_running_loop().set_exception_handler(logs.log_loop_error)
        state.engine.start()
        state.video_engine.start_on_demand()
        state.live.start()
        yield
        give_up = time.monotonic() + settings.shutdown_timeout_s
        await state.drain()
        if tracing is not None:
            await tracing.close(give_up - time.monotonic())

    return lifespan


def _state(settings: Settings, clients: Sequence[Guard]) -> State:
    """Create what the routes and the middleware share."""
    state = State()
    engine = Engine(settings.configuration, settings.engine_limits, JOBS, warm_up)
    video_engine = Engine(settings.configuration, settings.video_limits, JOBS, warm_up)

    async def drain() -> None:
        """Let all engines complete their work, each within its own shutdown timeout."""
        state.body_budget.stop()
        await asyncio.gather(engine.stop(), video_engine.stop(), live.stop())

    state.client_of = client_of(settings.share_by)
    live = state.live = LiveService.of(settings, state.client_of, clients)
    state.engine, state.video_engine, state.drain = engine, video_engine, drain
    state.batcher = InferenceBatcher(engine, settings.batching_limits)
    state.metrics = Metrics(engine, video_engine, *live.engines)
    state.body_budget = BodyBudget(settings.body_limits, state.client_of)
    state.max_pending_bytes = settings.max_pending_bytes
    state.page_facts = page.Facts.of(settings)
    return state


def _tracing(endpoint: str | None) -> Tracing | None:
    """Create the tracing, whose dependencies are imported only if there is an endpoint."""
    if not endpoint:  # OpenTelemetry treats an empty variable as unset
        return None
    try:
        from off_tanet.api.tracing import Tracing
    except ModuleNotFoundError:
        raise SettingsError(
            f"{variable('otlp_endpoint')} needs the extra otel: pip install 'off-tanet[otel]'"
        ) from None
    return Tracing(endpoint)


def _add_middleware(
    app: FastAPI, table: APIRouter, settings: Settings, guards: tuple[Guard, ...]
) -> None:
    """Add the layers that protect the routes, from the innermost to the outermost."""
    lengths = BodyLengthGuard(
        settings.body_limits.bytes, {VIDEO_PATH: (settings.max_video_bytes, "video_bytes")}
    )
    app.add_middleware(
        DirectMiddleware, endpoints={**ENDPOINTS, **v2.ENDPOINTS}, routes=table.routes
    )
    app.add_middleware(BodyLimitMiddleware, budget=app.state.body_budget, lengths=lengths)
    app.add_middleware(
        AdmissionMiddleware,
        engine=app.state.engine,
        others={VIDEO_PATH: app.state.video_engine},
        client_of=app.state.client_of,
    )
    app.add_middleware(GuardMiddleware, guards=(*guards, lengths))
    app.add_middleware(ErrorMiddleware)
    if origins := settings.allowed_origins:
        app.add_middleware(CORSMiddleware, allow_origins=origins, **_CORS)


def _client_guards(settings: Settings) -> Iterator[Guard]:
    """Yield the guards in their order: a request without a valid key is not counted."""
    if settings.api_keys is not None:
        yield AuthGuard(KeyFile(settings.api_keys), OPEN_PATHS)
    if settings.quota is not None:
        from off_tanet.api.middleware.rate_limit import QuotaGuard  # its library is slow to load

        yield QuotaGuard(settings.quota)


def _observers(metrics: Metrics, tracing: Tracing | None) -> tuple[Observer, ...]:
    always = (metrics.observe, log_request)
    return always if tracing is None else (*always, tracing.observe)


def _add_exchange(app: FastAPI, table: APIRouter, observers: tuple[Observer, ...]) -> None:
    app.add_middleware(
        ExchangeMiddleware,
        templates=frozenset(route.path for route in table.routes if isinstance(route, Route)),
        observers=observers,
    )


_DESCRIPTION = """\
Off-TANet classifies the motion of a face between an onset frame and an apex frame as one of the
model's classes of micro-expression, or says why there is no expression to name: `label` is then
null, and `reason` tells why.

The scores are the output of a statistical model for one observed motion. They are not a finding
about what a person feels, thinks or intends, and must not be used to decide about people. Inferring
emotions at work and in education is prohibited in the European Union (Regulation 2024/1689,
Article 5(1)(f)).

`/v1/stream` is a WebSocket for live streams, which OpenAPI cannot describe: a text
`{"event": "start"}`, then each frame as its time (float64, little-endian) with a JPEG or WebP file,
then `{"event": "end"}`. The answers are texts with `event` and `data`.

Errors are `application/problem+json` (RFC 9457). Their `code` is stable; their `detail` is text for
people. Responses 408, 429 and 503 are temporary; `Retry-After` gives the seconds to wait, if known.
"""

_TAGS = [
    {"name": "recognition", "description": "Recognise micro-expressions in pictures and videos."},
    {"name": "model", "description": "Describe the model that the service runs."},
    {
        "name": "inference",
        "description": "The Open Inference Protocol (version 2), as KServe, Triton and MLServer "
        "implement it, for optical flow that the client has computed.",
    },
    {"name": "health", "description": "Health checks for load balancers and orchestrators."},
    {"name": "operation", "description": "Metrics for Prometheus."},
]
