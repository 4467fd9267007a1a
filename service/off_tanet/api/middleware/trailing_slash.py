"""Routing of paths that end with a slash."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.api.paths import route_path


class TrailingSlashMiddleware(HttpMiddleware):
    """Removes one trailing slash from the path, so that `/v1/model/` reaches `/v1/model`.

    A redirect would repeat whatever host the request names, and some clients do not send their
    body again when they follow one. A path that ends with two slashes is left alone and matches no
    route.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its path changed."""
        path = route_path(scope)
        if len(path) > 1 and path.endswith("/") and not path.endswith("//"):
            scope = {**scope, "path": scope["path"][:-1]}
        await self.app(scope, receive, send)
