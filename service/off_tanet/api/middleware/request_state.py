"""What this application remembers of a request, from its head to the end of its answer."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope

_KEY = "off_tanet"


def notes(scope: Scope) -> dict[str, Any]:
    """The notes of one request.

    They are kept apart from `state`, which has whatever the lifespan of an application around this
    one yields, under whatever names.
    """
    found: dict[str, Any] = scope.setdefault(_KEY, {})
    return found
