"""Headers that keep an answer with its browser."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

from off_tanet.api.middleware.response_headers import Amend, ResponseHeadersMiddleware

_DEFAULTS = {
    "Cache-Control": "no-store",  # an answer is about a person's face
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class SecurityHeadersMiddleware(ResponseHeadersMiddleware):
    """Adds to each answer those of the headers that its route has not set otherwise."""

    def amend(self, scope: Scope) -> Amend:  # noqa: ARG002 # the same for all requests
        return _set_defaults


def _set_defaults(headers: MutableHeaders) -> None:
    for name, value in _DEFAULTS.items():
        headers.setdefault(name, value)
