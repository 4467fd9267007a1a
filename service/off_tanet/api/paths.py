"""Paths of requests, as the table of routes names them."""

from __future__ import annotations

from starlette.types import Scope

HEALTH_PATHS = frozenset({"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"})
"""Paths that load balancers request without an API key."""


def route_path(scope: Scope) -> str:
    """Return the path without the prefix under which another application mounts this one."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
