"""What a trusted proxy says about the request that it received."""

from __future__ import annotations

import re
from typing import Any

from starlette.types import ASGIApp, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_PREFIX = re.compile(rb"(/[A-Za-z0-9._~-]+)+")
_DOTS = re.compile(rb"/\.\.?(/|$)")


class ForwardedMiddleware(ProxyHeadersMiddleware):
    """Applies X-Forwarded-For, -Proto and -Prefix of trusted proxies; those of others are ignored.

    A proxy that strips a prefix from the path names it in X-Forwarded-Prefix, as Traefik does. The
    service is then mounted there, as in another application: addresses in its answers, such as
    `servers` in the OpenAPI document, have the prefix.

    Args:
        app: The application.
        trusted: The addresses of the proxies, as in the setting `trusted_proxies`.
    """

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        super().__init__(app, trusted)  # type: ignore[arg-type] # its own names of the same types

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one ASGI scope."""
        if scope["type"] != "lifespan" and _peer(scope) in self.trusted_hosts:
            scope = _mounted(scope)
        await super().__call__(scope, receive, send)


def _peer(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


def _mounted(scope: Scope) -> Scope:
    """Return the scope under the prefix of its header, unless that is no plain path."""
    named = [value for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
    prefix = named[0].rstrip(b"/") if len(named) == 1 else b""
    if not _PREFIX.fullmatch(prefix) or _DOTS.search(prefix):
        return scope
    mount = prefix.decode("ascii")
    return {
        **scope,
        "root_path": mount + scope.get("root_path", ""),
        "path": mount + scope["path"],
        "raw_path": prefix + scope["raw_path"],
    }
