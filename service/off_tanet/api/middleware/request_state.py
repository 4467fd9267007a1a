"""State that the application keeps for one request, from its headers to the end of its response."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.types import Scope

_KEY = "off_tanet"


def _hold(_: int) -> None:
    """Release nothing, because nothing was counted."""


@dataclass(slots=True)
class RequestState:
    """What the layers of the application know about one request.

    Attributes:
        started: When its headers were complete, as a `time.perf_counter()` value.
        request_id: Its identifier; empty until it is asked for.
        message_key: The API key in the first message of a stream; empty if there is none.
        key_name: The name of its API key; None if no key was required.
        status: The HTTP status of its response; 0 until the response begins.
        problem: The code of the problem that it was answered with.
        stages_ms: Milliseconds per stage: `queue`, the wait for a worker, and the worker's stages.
        began: When a worker took it; 0 if none did.
        release_body: Called with the number of bytes of its body that are no longer in memory.
    """

    started: float = field(default_factory=time.perf_counter)
    request_id: str = ""
    message_key: str = ""
    key_name: str | None = None
    status: int = 0
    problem: str | None = None
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    began: float = 0.0
    release_body: Callable[[int], None] = _hold


def request_state(scope: Scope) -> RequestState:
    """Return the state of one request.

    It is kept apart from `scope["state"]`, which contains whatever the lifespan of an application
    that mounts this one yields, under any names.
    """
    state: RequestState | None = scope.get(_KEY)
    if state is None:
        state = scope[_KEY] = RequestState()
    return state
