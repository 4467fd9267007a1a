"""Measurement of each request, for the metrics, the log and the traces."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.api.middleware.request_id import request_id, traceparent
from off_tanet.api.middleware.request_state import request_state
from off_tanet.api.paths import route_path
from off_tanet.errors import ClientGoneError

log = logging.getLogger(__name__)

UNMATCHED = "unmatched"
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


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


def record_problem(scope: Scope, code: str) -> None:
    """Record the code of the problem that the request is answered with."""
    request_state(scope)["problem"] = code


def record_client_gone(scope: Scope) -> None:
    """Record that the client left while a response with another status was being sent."""
    record_problem(scope, ClientGoneError.code)
    request_state(scope)["status"] = ClientGoneError.status


def record_wait(scope: Scope, seconds: float) -> None:
    """Record that a worker takes the request now, after it waited for `seconds`."""
    request_state(scope)["began"] = time.perf_counter()
    request_state(scope)["stages_ms"] = {"queue": seconds * 1000}


def record_stages(scope: Scope, stages_ms: Mapping[str, float]) -> None:
    """Record the milliseconds that each stage of the recognition took."""
    request_state(scope).setdefault("stages_ms", {}).update(stages_ms)


def log_request(record: RequestRecord) -> None:
    """Write one line to the log."""
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


class InstrumentationMiddleware(HttpMiddleware):
    """Passes a RequestRecord of each request to the observers.

    It does so before the last byte of the response is sent: a client that has received its
    response finds it counted.

    `templates` are the paths of the routes, so that a request that is refused before it is routed
    is recorded under its route too. All other paths are recorded as `unmatched`: clients must not
    be able to create new values of a label.
    """

    def __init__(
        self,
        app: ASGIApp,
        templates: frozenset[str],
        observers: tuple[Callable[[RequestRecord], None], ...],
    ) -> None:
        super().__init__(app)
        self.templates = templates
        self.observers = observers

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and measure it."""
        started = time.perf_counter()
        status = 500  # the server's response if the application sends none
        recorded = False

        def record() -> None:
            nonlocal recorded
            if not recorded:
                recorded = True
                self._record(scope, status, started)

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False):
                record()
            await send(message)

        try:
            await self.app(scope, receive, send_observed)
        finally:
            record()  # an interrupted response has no last byte

    def _record(self, scope: Scope, status: int, started: float) -> None:
        ended = time.perf_counter()
        state = request_state(scope)
        record = RequestRecord(
            request_id=request_id(scope),
            route=self._route(scope),
            method=scope["method"] if scope["method"] in _METHODS else "other",
            status=state.get("status", status),
            seconds=ended - started,
            problem=state.get("problem"),
            stages_ms=state.get("stages_ms", {}),
            began_s=state.get("began", started) - started,
            traceparent=traceparent(scope),
        )
        for observe in self.observers:
            observe(record)

    def _route(self, scope: Scope) -> str:
        if "route" in scope:
            return str(scope["route"].path_format)
        path = route_path(scope)
        return path if path in self.templates else UNMATCHED
