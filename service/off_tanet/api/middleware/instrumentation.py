"""The measurements of each request, for the metrics, the log and the traces."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from starlette.types import Scope

from off_tanet.api.middleware.request_id import request_id, traceparent
from off_tanet.api.middleware.request_state import request_state
from off_tanet.errors import ClientGoneError

log = logging.getLogger(__name__)

UNMATCHED = "unmatched"
"""The route of a request whose path is that of no route."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """The measurements of one finished request.

    It contains nothing that the client sent except the request's identifiers, which are safe to
    log.

    Attributes:
        request_id: The client's identifier of the request, or a new one.
        route: The path template of the route; never the requested path.
        method: An HTTP method, or `other`.
        status: The HTTP status of the response.
        seconds: Time from the request's headers to the end of its response.
        problem: The code of the problem that the request was answered with.
        stages_ms: Milliseconds per stage: `queue`, the wait for a worker, and the worker's stages.
        began_s: Seconds from the request's headers until a worker took it.
        traceparent: The W3C Trace Context; empty if the client sent none.
    """

    request_id: str
    route: str
    method: str
    status: int
    seconds: float
    problem: str | None
    stages_ms: Mapping[str, float]
    began_s: float = 0.0
    traceparent: str = ""

    @classmethod
    def of(cls, scope: Scope, route: str, method: str) -> Self:
        """Measure a request that ends now.

        Args:
            scope: The request.
            route: The path template of its route.
            method: Its method.
        """
        ended, state = time.perf_counter(), request_state(scope)
        return cls(
            request_id=request_id(scope),
            route=route,
            method=method,
            status=state.status or 500,  # the server's response if the application sends none
            seconds=ended - state.started,
            problem=state.problem,
            stages_ms=state.stages_ms,
            began_s=(state.began or state.started) - state.started,
            traceparent=traceparent(scope),
        )


Observer = Callable[[RequestRecord], None]
"""Is called with the record of each finished request."""


def record_problem(scope: Scope, code: str) -> None:
    """Record the code of the problem that the request is answered with."""
    request_state(scope).problem = code


def record_client_gone(scope: Scope) -> None:
    """Record that the client left while a response with another status was being sent."""
    record_problem(scope, ClientGoneError.code)
    request_state(scope).status = ClientGoneError.status


def record_wait(scope: Scope, seconds: float) -> None:
    """Record that a worker takes the request now, after it waited for `seconds`."""
    state = request_state(scope)
    state.began = time.perf_counter()
    state.stages_ms = {"queue": seconds * 1000}


def record_stages(scope: Scope, stages_ms: Mapping[str, float]) -> None:
    """Record the milliseconds that each stage of the recognition took."""
    state = request_state(scope)
    state.stages_ms = {**state.stages_ms, **stages_ms}


def log_request(record: RequestRecord) -> None:
    """Write one line to the log as soon as the response, which must not wait for it, is sent."""
    asyncio.get_running_loop().call_soon(_log, record)


def _log(record: RequestRecord) -> None:
    fields: dict[str, object] = {
        "request_id": record.request_id,
        "route": record.route,
        "method": record.method,
        "status": record.status,
        "duration_ms": round(record.seconds * 1000, 3),
    }
    if record.problem is not None:
        fields["problem"] = record.problem
    if record.stages_ms:
        fields["stages_ms"] = {name: round(ms, 3) for name, ms in record.stages_ms.items()}
    level = logging.ERROR if record.problem == "internal_error" else logging.INFO
    log.log(level, "request", extra={"fields": fields})
