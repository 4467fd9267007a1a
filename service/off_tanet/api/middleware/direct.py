"""The short way to the endpoints that receive the uploads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.api.paths import route_path

Endpoint = Callable[[Request], Awaitable[Response]]


class DirectMiddleware(HttpMiddleware):
    """Calls an endpoint whose path is known; all other requests are routed by the framework.

    The framework documents these endpoints like all others. Its search for the route, its context
    managers and its evaluation of dependencies took a third of the server's time for a request.

    `endpoints` maps the paths of some of the `routes`, with or without parameters.
    """

    def __init__(
        self, app: ASGIApp, endpoints: Mapping[str, Endpoint], routes: Sequence[BaseRoute]
    ) -> None:
        super().__init__(app)
        named = [each for each in routes if isinstance(each, Route) and each.path in endpoints]
        self.templates = [(each, endpoints[each.path]) for each in named if each.param_convertors]
        self.paths = {
            each.path: endpoints[each.path] for each in named if not each.param_convertors
        }

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        endpoint = self._endpoint(scope) if scope["method"] == "POST" else None
        if endpoint is None:
            await self.app(scope, receive, send)
        else:
            response = await endpoint(Request(scope, receive))
            await response(scope, receive, send)

    def _endpoint(self, scope: Scope) -> Endpoint | None:
        """Return the endpoint of a request, whose scope then has the parameters of its path."""
        found = self.paths.get(route_path(scope))
        if found is not None:
            return found
        for route, endpoint in self.templates:
            match, parameters = route.matches(scope)
            if match is Match.FULL:
                scope.update(parameters)
                return endpoint
        return None
