"""One request and its answer, measured once, for the metrics and for the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from off_tanet.api.middleware.request_id import request_id, traceparent
from off_tanet.api.middleware.request_state import notes
from off_tanet.api.paths import route_path
from off_tanet.errors import ClientGoneError

log = logging.getLogger(__name__)

UNMATCHED = "unmatched"
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What may be told of a request: nothing in it is the client's but harmless identifiers."""

    request_id: str
    route: str  # the template, never the path that was asked for
    method: str
    status: int
    seconds: float
    problem: str | None
    stages_ms: Mapping[str, float]  # `queue`, the wait for a worker, before the worker's own
    began_s: float = 0.0  # from the request's head until a worker took it
    traceparent: str = ""  # of W3C Trace Context; empty where the client sent none


def note_problem(scope: Scope, code: str) -> None:
    """Remember the code of the problem that this request is answered with."""
    notes(scope)["problem"] = code


def note_gone(scope: Scope) -> None:
    """Remember that the client left an answer that had begun, with another status."""
    note_problem(scope, ClientGoneError.code)
    notes(scope)["status"] = ClientGoneError.status


def note_wait(scope: Scope, seconds: float) -> None:
    """Remember how long this request waited for the worker that takes it now."""
    notes(scope)["began"] = time.perf_counter()
    notes(scope)["stages_ms"] = {"queue": seconds * 1000}


def note_stages(scope: Scope, timings_ms: Mapping[str, float]) -> None:
    """Remember how long each stage of this request's recognition took."""
    notes(scope).setdefault("stages_ms", {}).update(timings_ms)


def log_request(exchange: RequestRecord) -> None:
    """One line of the log for one exchange."""
    fields: dict[str, object] = {
        "request_id": exchange.request_id,
        "route": exchange.route,
        "method": exchange.method,
        "status": exchange.status,
        "duration_ms": round(exchange.seconds * 1000, 3),
    }
    if exchange.problem is not None:
        fields["problem"] = exchange.problem
    if exchange.stages_ms:
        fields["stages_ms"] = {name: round(ms, 3) for name, ms in exchange.stages_ms.items()}
    level = logging.ERROR if exchange.problem == "internal_error" else logging.INFO
    log.log(level, "request", extra={"fields": fields})


class InstrumentationMiddleware:
    """Tells each observer of each exchange before its last byte is sent: who has the answer finds
    it counted.

    `templates` are the routes' paths: a request that was refused before it was routed is told of
    under its route too. All other paths share one name, so that no client can make up routes.
    """

    def __init__(
        self,
        app: ASGIApp,
        templates: frozenset[str],
        observers: tuple[Callable[[RequestRecord], None], ...],
    ) -> None:
        self.app = app
        self.templates = templates
        self.observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500  # what the server makes of an application that gives no answer
        told = False

        def tell() -> None:
            nonlocal told
            if not told:
                told = True
                self._tell(scope, status, started)

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False):
                tell()
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        finally:
            tell()  # an answer that was broken off has no last byte

    def _tell(self, scope: Scope, status: int, started: float) -> None:
        ended = time.perf_counter()
        noted = notes(scope)
        exchange = RequestRecord(
            request_id=request_id(scope),
            route=self._route(scope),
            method=scope["method"] if scope["method"] in _METHODS else "other",
            status=noted.get("status", status),
            seconds=ended - started,
            problem=noted.get("problem"),
            stages_ms=noted.get("stages_ms", {}),
            began_s=noted.get("began", started) - started,
            traceparent=traceparent(scope),
        )
        for observe in self.observers:
            observe(exchange)

    def _route(self, scope: Scope) -> str:
        if "route" in scope:
            return str(scope["route"].path_format)
        path = route_path(scope)
        return path if path in self.templates else UNMATCHED
