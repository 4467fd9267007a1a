"""The service on Ray Serve: the same application, in as many replicas as the load requires.

Needs the extra `ray`.

    serve run off_tanet.ray_serve:app                       with OFF_TANET_* variables
    serve run off_tanet.ray_serve:app max_replicas=32       or with settings as arguments

A replica is one application with its own engine, by default with one worker process and therefore
one core. The engine refuses requests that it cannot queue long before Ray would make them wait.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fastapi import FastAPI
from ray import serve
from ray.serve.config import AutoscalingConfig, BackpressureConfig, RequestRouterConfig
from ray.serve.request_router import FIFOMixin, PendingRequest, RequestRouter, RunningReplica
from ray.serve.schema import LoggingConfig
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Scope

from off_tanet import environment, logs, startup
from off_tanet.api.middleware.request_id import HEADER
from off_tanet.api.middleware.response_headers import ResponseHeadersMiddleware
from off_tanet.errors import QueueFullError, WorkerLostError
from off_tanet.settings import Settings
from off_tanet.workers.engine import Engine

# For a cluster that `serve run` itself starts. By default Ray reports its use to its makers, and
# writes to disk what its object store cannot hold: uploads pass through the object store.
_PRIVACY: Mapping[str, str] = MappingProxyType(
    {"RAY_USAGE_STATS_ENABLED": "0", "RAY_automatic_object_spilling_enabled": "0"}
)

_TARGET_REQUESTS_PER_WORKER = 2  # one that it works on and one that waits
_SPARE_S = 5.0  # for the engine to stop, after its shutdown timeout
_METRICS_INTERVAL_S = 10.0  # Ray's default


def app(given: Mapping[str, str]) -> serve.Application:
    """Create the application that `serve run` deploys.

    The settings are read here and sent to the replicas, because the environment of their machines
    does not contain them. Files that the settings name must exist on every machine.

    Args:
        given: Settings by field name, from the arguments of `serve run`. They take precedence over
            the environment.

    Raises:
        SettingsError: A setting is unknown or has a bad value.
    """
    for name, value in _PRIVACY.items():
        os.environ.setdefault(name, value)
    settings = _portable(environment.load(given))
    return deployment(settings).bind(settings)


def deployment(settings: Settings) -> serve.Deployment:
    """Return a deployment of `min_replicas` to `max_replicas` replicas of the application."""
    short, long = settings.engine_limits, settings.video_limits
    admitted = short.workers + short.queue_size + long.workers + long.queue_size
    admitted += settings.stream_workers
    return serve.deployment(
        serve.ingress()(Replica),
        name="off-tanet",
        ray_actor_options={"num_cpus": short.workers},
        # Those that the engines admit, and as many as needed for the application to refuse others.
        max_ongoing_requests=admitted + settings.max_connections,
        max_queued_requests=settings.max_connections,
        backpressure_config=BackpressureConfig(retry_after_s=QueueFullError.retry_after_s),
        request_router_config=RequestRouterConfig(request_router_class=EvenRouter),
        autoscaling_config=AutoscalingConfig(
            min_replicas=settings.min_replicas,
            max_replicas=settings.max_replicas,
            target_ongoing_requests=_TARGET_REQUESTS_PER_WORKER * short.workers,
            upscale_delay_s=settings.upscale_delay_s,
            downscale_delay_s=settings.downscale_delay_s,
            look_back_period_s=max(1.0, settings.upscale_delay_s),
            metrics_interval_s=min(_METRICS_INTERVAL_S, max(1.0, settings.upscale_delay_s) / 2),
        ),
        graceful_shutdown_timeout_s=max(short.shutdown_timeout_s, long.shutdown_timeout_s)
        + _SPARE_S,
        logging_config=LoggingConfig(enable_access_log=False),  # the application writes its own
    )


class EvenRouter(FIFOMixin, RequestRouter):  # type: ignore[misc] # Ray has no types
    """Chooses two replicas at random, of which the one with fewer requests gets the request.

    Ray's own router does the same, but prefers the replicas on the proxy's machine until they
    accept no more. Those would refuse what they cannot queue while others are idle.
    """

    async def choose_replicas(
        self,
        candidate_replicas: list[RunningReplica],
        pending_request: PendingRequest | None = None,  # noqa: ARG002 # Ray passes it by name
    ) -> list[list[RunningReplica]]:
        """Return the two candidates."""
        count = min(2, len(candidate_replicas))
        return [random.sample(candidate_replicas, count)]  # nosec B311 # no secret


class Replica:
    """One application, which Ray starts, checks, drains and stops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __serve_build_asgi_app__(self) -> FastAPI:
        logs.configure(self._settings.log_format, self._settings.log_queue_size)
        self._app = startup.application(self._settings)
        self._app.add_middleware(ProxyRequestIdMiddleware)
        return self._app

    async def check_health(self) -> None:
        """Raise an error if no worker can accept a request.

        Ray calls this before it sends the first request, and counts a new replica as started when
        it returns; therefore the first call waits for the workers.
        """
        engine: Engine = self._app.state.engine
        await asyncio.wait(engine.starting, timeout=self._settings.startup_timeout_s)
        engine.check_ready()
        if not engine.stats().alive:
            raise WorkerLostError("No worker is alive.")


class ProxyRequestIdMiddleware(ResponseHeadersMiddleware):
    """Removes the request's identifier from the response if it came with the request.

    Ray's proxy adds an identifier to each request that has none, and to each response. A response
    with the header twice would have another value.
    """

    def amend(self, scope: Scope, headers: MutableHeaders) -> None:
        """Remove the header if the proxy will add it."""
        if headers.get(HEADER) == Headers(scope=scope).get(HEADER):
            del headers[HEADER]


def _portable(settings: Settings) -> Settings:
    """Return settings that have the same meaning on other machines.

    The default number of workers is one, paths are absolute, and there may be one more header,
    which Ray's proxy adds to each request.
    """
    paths = {
        name: Path(value).absolute()
        for name in ("model", "api_keys")
        if (value := getattr(settings, name)) is not None
    }
    numbers = {"workers": settings.workers or 1, "max_headers": settings.max_headers + 1}
    return settings.model_copy(update={**paths, **numbers})
