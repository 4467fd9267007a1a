"""The short way to the endpoints that receive the uploads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.api.paths import route_path


class DirectMiddleware(HttpMiddleware):
    """Calls an endpoint whose whole path is known; all other requests are routed by the framework.

    The framework documents these endpoints like all others. Its search for the route, its context
    managers and its evaluation of dependencies, of which they have none, took a third of the
    server's time for a request.
    """

    def __init__(
        self, app: ASGIApp, endpoints: Mapping[str, Callable[[Request], Awaitable[Response]]]
    ) -> None:
        super().__init__(app)
        self.endpoints = endpoints

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        endpoint = self.endpoints.get(route_path(scope)) if scope["method"] == "POST" else None
        if endpoint is None:
            await self.app(scope, receive, send)
        else:
            response = await endpoint(Request(scope, receive))
            await response(scope, receive, send)
