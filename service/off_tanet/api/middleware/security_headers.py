"""Response headers that restrict what browsers and caches do with a response."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

from off_tanet.api.middleware.response_headers import ResponseHeadersMiddleware

_DEFAULTS = {
    "Cache-Control": "no-store",  # a response describes a person's face
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class SecurityHeadersMiddleware(ResponseHeadersMiddleware):
    """Adds the default security headers that the route has not set itself."""

    def amend(self, scope: Scope, headers: MutableHeaders) -> None:  # noqa: ARG002 # all alike
        """Set the headers that are missing."""
        for name, value in _DEFAULTS.items():
            headers.setdefault(name, value)
