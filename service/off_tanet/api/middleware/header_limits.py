"""Limits on what comes before a body: the URL and the headers.

The server holds a head in memory before the application sees it; a little over these limits it
hangs up by itself, with a bare 400.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api import problems
from off_tanet.errors import HeadersTooLargeError, LimitExceededError, UrlTooLongError
from off_tanet.limits import HeaderLimits

_SEPARATORS = len(": \r\n")


class HeaderLimitMiddleware:
    """Answers 414 or 431 where a request's head is over its limits."""

    def __init__(self, app: ASGIApp, limits: HeaderLimits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (error := self._error(scope)) is not None:
            await problems.response(scope, error)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _error(self, scope: Scope) -> LimitExceededError | None:
        limits, headers = self.limits, scope["headers"]
        if len(scope["raw_path"]) + len(scope["query_string"]) > limits.url_bytes:
            return UrlTooLongError(f"The URL has more than {limits.url_bytes} bytes.", "url_bytes")
        if len(headers) > limits.headers:
            return HeadersTooLargeError(f"There are more than {limits.headers} headers.", "headers")
        size = sum(len(name) + len(value) + _SEPARATORS for name, value in headers)
        if size > limits.header_bytes:
            return HeadersTooLargeError(
                f"The headers have more than {limits.header_bytes} bytes.", "header_bytes"
            )
        return None
