"""The service on Ray Serve: the same application and contract, in as many replicas as the load
asks for, on as many machines as the cluster has. Needs the extra `ray`.

    serve run off_tanet.ray_serve:app                       with OFF_TANET_* settings, as everywhere
    serve run off_tanet.ray_serve:app max_replicas=32       or with settings as arguments

A replica is one application with an engine of its own, by default of one worker process and so of
one core. Its engine refuses what it cannot queue long before Ray would let requests wait.
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

from off_tanet import logs, settings, startup
from off_tanet.api.middleware.request_id import HEADER
from off_tanet.api.middleware.response_headers import Amend, ResponseHeadersMiddleware
from off_tanet.errors import QueueFullError, WorkerLostError
from off_tanet.workers.engine import Engine

# For a cluster that `serve run` itself starts. Ray would report its use to its makers, and write
# to disk what its object store cannot hold: uploads pass through that.
_PRIVACY: Mapping[str, str] = MappingProxyType(
    {"RAY_USAGE_STATS_ENABLED": "0", "RAY_automatic_object_spilling_enabled": "0"}
)

_ENOUGH_FOR_EACH_WORKER = 2  # one request that it works on, one that waits
_SPARE_S = 5.0  # for an engine's own end, after the grace period
_METRICS_S = 10.0  # as often as Ray looks by default


def app(given: Mapping[str, str]) -> serve.Application:
    """What `serve run` runs: settings are those of its environment and of its arguments.

    They travel to the replicas, whose machines' environment says nothing; files that they name must
    lie on each machine. Raises SettingsError.
    """
    for name, value in _PRIVACY.items():
        os.environ.setdefault(name, value)
    configured = _travelling(settings.load(given))
    return deployment(configured).bind(configured)


def deployment(configured: settings.Settings) -> serve.Deployment:
    """Replicas of the application, between `min_replicas` and `max_replicas` of them."""
    short, long = configured.engine_limits, configured.video_limits
    admitted = short.workers + short.queue_size + long.workers + long.queue_size
    return serve.deployment(
        serve.ingress()(Replica),
        name="off-tanet",
        ray_actor_options={"num_cpus": short.workers},
        # Beside those that the engines admit, all that it takes to refuse others ourselves.
        max_ongoing_requests=admitted + configured.max_connections,
        max_queued_requests=configured.max_connections,
        backpressure_config=BackpressureConfig(retry_after_s=QueueFullError.retry_after_s),
        request_router_config=RequestRouterConfig(request_router_class=EvenRouter),
        autoscaling_config=AutoscalingConfig(
            min_replicas=configured.min_replicas,
            max_replicas=configured.max_replicas,
            target_ongoing_requests=_ENOUGH_FOR_EACH_WORKER * short.workers,
            upscale_delay_s=configured.upscale_delay_s,
            downscale_delay_s=configured.downscale_delay_s,
            look_back_period_s=max(1.0, configured.upscale_delay_s),
            metrics_interval_s=min(_METRICS_S, max(1.0, configured.upscale_delay_s) / 2),
        ),
        graceful_shutdown_timeout_s=max(short.shutdown_timeout_s, long.shutdown_timeout_s)
        + _SPARE_S,
        logging_config=LoggingConfig(enable_access_log=False),  # the application writes its own
    )


class EvenRouter(FIFOMixin, RequestRouter):  # type: ignore[misc] # of no known type
    """Of two replicas at random, the one with less to do gets the request, wherever it runs.

    Ray's own router does so, too, but among those of the proxy's machine first, until they take no
    more; ours would refuse what they cannot queue while others had nothing to do.
    """

    async def choose_replicas(
        self,
        candidate_replicas: list[RunningReplica],
        pending_request: PendingRequest | None = None,  # noqa: ARG002 # Ray gives it by name
    ) -> list[list[RunningReplica]]:
        several = min(2, len(candidate_replicas))
        return [random.sample(candidate_replicas, several)]  # nosec B311 # no secret


class Replica:
    """What Ray starts, asks for its health, drains and ends: one application."""

    def __init__(self, configured: settings.Settings) -> None:
        self._settings = configured

    def __serve_build_asgi_app__(self) -> FastAPI:
        logs.configure(self._settings.log_format, self._settings.log_queue_size)
        self._service = startup.application(self._settings)
        self._service.add_middleware(NamedByProxyMiddleware)
        return self._service

    async def check_health(self) -> None:
        """Raises where no worker can take a request; a replica is asked before its first one.

        A new replica counts from the end of this, so the first time waits for the workers.
        """
        engine: Engine = self._service.state.engine
        await asyncio.wait(engine.starting, timeout=self._settings.startup_timeout_s)
        engine.check_ready()
        if not engine.census().alive:
            raise WorkerLostError("No worker is alive.")


class NamedByProxyMiddleware(ResponseHeadersMiddleware):
    """Leaves out the request's identifier where it came with the request: Ray's proxy, which makes
    one for each request that has none, returns it too, and a header twice is another value."""

    def amend(self, scope: Scope) -> Amend:
        given = Headers(scope=scope).get(HEADER)

        def leave_out(headers: MutableHeaders) -> None:
            if headers.get(HEADER) == given:
                del headers[HEADER]

        return leave_out


def _travelling(configured: settings.Settings) -> settings.Settings:
    """With one worker where no number was given, and paths that mean the same elsewhere.

    Ray's proxy gives each request a header more.
    """
    paths = {
        name: Path(value).absolute()
        for name in ("model", "api_keys")
        if (value := getattr(configured, name)) is not None
    }
    numbers = {"workers": configured.workers or 1, "max_headers": configured.max_headers + 1}
    return configured.model_copy(update={**paths, **numbers})
