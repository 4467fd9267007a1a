"""Limits on what comes before a body: the URL and the headers.

The server holds a head in memory before the application sees it; a little over these limits it
hangs up by itself, with a bare 400.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import problems
from service.recognition.errors import HeadersTooLargeError, LimitExceededError, UrlTooLongError

_SPARE_BYTES = 8192
_SEPARATORS = len(": \r\n")


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """Bytes of a URL, number of headers, and their bytes with names and separators."""

    url_bytes: int = 8192
    headers: int = 100
    header_bytes: int = 16384

    @property
    def server_bytes(self) -> int:
        """Bytes of an unfinished head that the server may hold."""
        return self.url_bytes + self.header_bytes + _SPARE_BYTES


class HeadLimitMiddleware:
    """Answers 414 or 431 where a request's head is over its limits."""

    def __init__(self, app: ASGIApp, limits: HeadLimits) -> None:
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
