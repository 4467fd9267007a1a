"""Paths of requests, as the table of routes names them."""

from __future__ import annotations

from starlette.types import Scope

STREAM_PATH = "/v1/stream"
"""Path of the live stream, which is a WebSocket."""

HEALTH_PATHS = frozenset({"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"})
"""Paths that load balancers request without an API key."""


def route_path(scope: Scope) -> str:
    """Return the path without the prefix under which another application mounts this one."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def without_trailing_slash(scope: Scope) -> Scope:
    """Return the scope without one trailing slash in its path: `/v1/model/` is `/v1/model`.

    A redirect would repeat whatever host the request names, and some clients do not send their
    body again when they follow one. A path that ends with two slashes is left alone and matches no
    route.
    """
    path = route_path(scope)
    if len(path) > 1 and path.endswith("/") and not path.endswith("//"):
        return {**scope, "path": scope["path"][:-1]}
    return scope
