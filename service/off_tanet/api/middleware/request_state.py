"""State that the application keeps for one request, from its headers to the end of its response."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope

_KEY = "off_tanet"


def request_state(scope: Scope) -> dict[str, Any]:
    """Return the mutable state of one request.

    It is kept apart from `scope["state"]`, which contains whatever the lifespan of an application
    that mounts this one yields, under any names.
    """
    state: dict[str, Any] = scope.setdefault(_KEY, {})
    return state
