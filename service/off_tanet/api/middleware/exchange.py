"""The outermost layer: what every request and every response have in common.

It is one layer rather than one for each purpose, because each layer that looks at a response costs
two more calls for every message.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.api.middleware.instrumentation import UNMATCHED, Observer, RequestRecord
from off_tanet.api.middleware.request_id import HEADER, request_id
from off_tanet.api.middleware.request_state import request_state
from off_tanet.api.paths import route_path, without_trailing_slash

Headers = list[tuple[bytes, bytes]]

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_REQUEST_ID = HEADER.lower().encode()
_DEFAULTS = {
    b"cache-control": b"no-store",  # a response describes a person's face
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}


class ExchangeMiddleware(HttpMiddleware):
    """Completes the headers of each response, and passes a RequestRecord of it to the observers.

    The record is passed on before the last byte of the response is sent: a client that has received
    its response finds it counted.

    `templates` are the paths of the routes, so that a request that is refused before it is routed
    is recorded under its route too. All other paths are recorded as `unmatched`: clients must not
    be able to create new values of a label.
    """

    def __init__(
        self,
        app: ASGIApp,
        templates: frozenset[str],
        observers: tuple[Observer, ...],
    ) -> None:
        super().__init__(app)
        self.templates = templates
        self.observers = observers

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, complete its response and measure it."""
        state = request_state(scope)
        scope = without_trailing_slash(scope)
        recorded = False

        async def send_completed(message: Message) -> None:
            nonlocal recorded
            if message["type"] == "http.response.start":
                state.status = message["status"]
                headers = completed(message.get("headers", ()), request_id(scope))
                message = {**message, "headers": headers}
            elif not recorded and not message.get("more_body", False):
                recorded = True
                self._record(scope)
            await send(message)

        try:
            await self.app(scope, receive, send_completed)
        finally:
            if not recorded:  # an interrupted response has no last byte
                self._record(scope)

    def _record(self, scope: Scope) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        record = RequestRecord.of(scope, self._route(scope), method)
        for observe in self.observers:
            observe(record)

    def _route(self, scope: Scope) -> str:
        if "route" in scope:
            return str(scope["route"].path_format)
        path = route_path(scope)
        return path if path in self.templates else UNMATCHED


def completed(headers: Headers, identifier: str) -> Headers:
    """Return headers with the request's identifier, and with security headers that are not set.

    Args:
        headers: The headers of the response.
        identifier: The identifier of the request.
    """
    given = {name.lower() for name, _ in headers}
    return [
        *(header for header in headers if header[0].lower() != _REQUEST_ID),
        *(default for default in _DEFAULTS.items() if default[0] not in given),
        (_REQUEST_ID, identifier.encode()),
    ]
