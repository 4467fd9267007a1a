"""Limits on the size of a request's URL and headers.

The server buffers the headers before the application sees them. If they exceed these limits by
more than a few kilobytes, the server itself closes the connection with a bare 400.
"""

from __future__ import annotations

from starlette.types import Scope

from off_tanet.errors import HeadersTooLargeError, UrlTooLongError
from off_tanet.limits import HeaderLimits

_SEPARATORS = len(": \r\n")


class HeaderLimitGuard:
    """Refuses a URL that is too long (414), and headers that are too many or too large (431)."""

    def __init__(self, limits: HeaderLimits) -> None:
        self.limits = limits

    def check(self, scope: Scope) -> None:
        """Raise UrlTooLongError or HeadersTooLargeError if a limit is exceeded."""
        limits, headers = self.limits, scope["headers"]
        if len(scope["raw_path"]) + len(scope["query_string"]) > limits.url_bytes:
            raise UrlTooLongError(f"The URL has more than {limits.url_bytes} bytes.", "url_bytes")
        if len(headers) > limits.headers:
            raise HeadersTooLargeError(f"There are more than {limits.headers} headers.", "headers")
        size = sum(len(name) + len(value) + _SEPARATORS for name, value in headers)
        if size > limits.header_bytes:
            raise HeadersTooLargeError(
                f"The headers have more than {limits.header_bytes} bytes.", "header_bytes"
            )
