"""Where a request goes, as the table of routes names it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH_PATHS = frozenset({"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"})
"""What a load balancer asks, without a key."""


def route_path(scope: Scope) -> str:
    """The path below the prefix under which the application is mounted in another one."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


class TrailingSlashMiddleware:
    """Gives a path that ends with a slash to the route without it, in which all else agrees.

    A redirect would name whatever host the request names, and some clients do not follow one with
    their body. Two slashes stay, and are no route.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = route_path(scope)
            if len(path) > 1 and path.endswith("/") and not path.endswith("//"):
                scope = {**scope, "path": scope["path"][:-1]}
        await self.app(scope, receive, send)
