"""The application: its engines, its routes, and what goes around them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import limits
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import State
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from off_tanet import logs
from off_tanet.api import problems
from off_tanet.api.metrics import Metrics
from off_tanet.api.middleware import instrumentation
from off_tanet.api.middleware.admission import AdmissionMiddleware
from off_tanet.api.middleware.auth import AuthMiddleware, KeyFile
from off_tanet.api.middleware.body_limits import BodyBudget, BodyLimitMiddleware
from off_tanet.api.middleware.client_id import client_of
from off_tanet.api.middleware.header_limits import HeaderLimitMiddleware
from off_tanet.api.middleware.hosts import HostMiddleware
from off_tanet.api.middleware.rate_limit import RateLimitMiddleware
from off_tanet.api.middleware.request_id import RequestIdMiddleware
from off_tanet.api.middleware.security_headers import SecurityHeadersMiddleware
from off_tanet.api.openapi import DocumentedApp
from off_tanet.api.paths import HEALTH_PATHS, TrailingSlashMiddleware
from off_tanet.api.routes import page
from off_tanet.api.routes.table import VIDEO_PATH, routes
from off_tanet.setting_names import variable
from off_tanet.settings import Settings, SettingsError, load
from off_tanet.workers.answers import warm_up
from off_tanet.workers.engine import Engine
from off_tanet.workers.jobs import JOBS

if TYPE_CHECKING:
    from off_tanet.api.tracing import Tracing

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

OPEN_PATHS = page.PATHS | HEALTH_PATHS
"""What needs no key: what a load balancer asks, and the page, which has a field for the key."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application; its workers live as long as its lifespan.

    Without `settings`, they are those of the environment. Raises SettingsError for one that is
    unknown, has a bad value or needs what is not installed, OSError and ValueError for a file of
    keys that cannot be used.
    """
    settings = settings or load()
    state = _state(settings)
    tracing = _tracing(settings.otlp_endpoint)
    app = DocumentedApp(
        title="Off-TANet",
        summary="Micro-expression recognition: two frames or a clip in, class probabilities out.",
        description=_DESCRIPTION,
        version="1",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=_lifespan(state, settings, tracing),
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
        redirect_slashes=False,  # its redirects name whatever host the request or its path names
    )
    app.keyed = settings.api_keys is not None
    app.state = state
    problems.install(app)
    table = routes()
    app.include_router(table)
    _surround(app, settings)
    observers = [app.state.metrics.observe, instrumentation.log_request]
    if tracing is not None:
        observers.append(tracing.observe)
    app.add_middleware(
        instrumentation.InstrumentationMiddleware,
        templates=frozenset(route.path for route in table.routes if isinstance(route, Route)),
        observers=tuple(observers),
    )
    app.add_middleware(RequestIdMiddleware)
    app.add_middleware(TrailingSlashMiddleware)
    return app


def _lifespan(
    state: State, settings: Settings, tracing: Tracing | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:  # it may be one that mounts ours
        asyncio.get_running_loop().set_exception_handler(logs.tell_of_loop_error)
        state.engine.start()
        state.videos.start_when_asked()
        yield
        give_up = time.monotonic() + settings.shutdown_timeout_s
        await state.drain()
        if tracing is not None:
            await tracing.close(give_up - time.monotonic())

    return lifespan


def _state(settings: Settings) -> State:
    """What the routes use."""
    state = State()
    engine = Engine(settings.configuration, settings.engine_limits, JOBS, warm_up)
    videos = Engine(settings.configuration, settings.video_limits, JOBS, warm_up)

    async def drain() -> None:
        """Let both engines end their work, each within its own grace period."""
        state.bodies.stop()
        await asyncio.gather(engine.stop(), videos.stop())

    state.engine, state.videos, state.drain = engine, videos, drain
    state.metrics = Metrics(engine, videos)
    state.client_of = client_of(settings.share_by)
    state.bodies = BodyBudget(settings.body_limits, state.client_of)
    state.max_pending_bytes = settings.max_pending_bytes
    return state


def _tracing(endpoint: str | None) -> Tracing | None:
    """Imports what traces need only where they are asked for."""
    if not endpoint:  # OpenTelemetry takes an empty variable for one that is not set
        return None
    try:
        from off_tanet.api.tracing import Tracing
    except ModuleNotFoundError:
        raise SettingsError(
            f"{variable('otlp_endpoint')} needs the extra otel: pip install 'off-tanet[otel]'"
        ) from None
    return Tracing(endpoint)


def _surround(app: FastAPI, settings: Settings) -> None:
    """What guards the routes, from the inside to the outside."""
    app.add_middleware(
        AdmissionMiddleware,
        engine=app.state.engine,
        others={VIDEO_PATH: app.state.videos},
        client_of=app.state.client_of,
    )
    app.add_middleware(
        BodyLimitMiddleware,
        bodies=app.state.bodies,
        others={VIDEO_PATH: (settings.max_video_bytes, "video_bytes")},
    )
    if settings.quota is not None:
        app.add_middleware(RateLimitMiddleware, quota=limits.parse(settings.quota))
    if settings.api_keys is not None:
        keys = KeyFile(settings.api_keys)
        app.add_middleware(AuthMiddleware, keys=keys, open_paths=OPEN_PATHS)
    app.add_middleware(HostMiddleware)
    app.add_middleware(HeaderLimitMiddleware, limits=settings.head_limits)
    app.add_middleware(problems.UnexpectedErrorMiddleware)
    if origins := settings.allowed_origins:
        app.add_middleware(CORSMiddleware, allow_origins=origins, **_CORS)
    app.add_middleware(SecurityHeadersMiddleware)


_DESCRIPTION = """\
Answers how a face moved between an onset and an apex frame resembles the motion of three classes
of micro-expression. The scores describe a motion in a picture; they are no finding about what a
person feels, thinks or intends, and must not be used to decide about people. Inferring emotions at
work and in education is prohibited in the European Union (Regulation 2024/1689, Article 5(1)(f)).
"""
