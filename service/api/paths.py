"""Where a request goes, as the table of routes names it."""

from __future__ import annotations

from starlette.types import Scope


def route_path(scope: Scope) -> str:
    """The path below the prefix under which the application is mounted in another one."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
