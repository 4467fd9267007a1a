"""The duration of each stage of a request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["decode", "face", "spotting", "flow", "inference", "quality", "total"]
"""The name of a stage. `total` is the whole request."""


class Stopwatch:
    """Measures stages, each of which may run several times, and the time since its creation."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Add the duration of a `with` block to a stage.

        Args:
            name: The stage. Its durations add up over all blocks that end without an exception.
        """
        start = time.perf_counter()
        yield
        spent = (time.perf_counter() - start) * 1e3
        self._stages[name] = self._stages.get(name, 0.0) + spent

    def milliseconds(self) -> dict[str, float]:
        """Return the milliseconds of each stage, in the order of their first runs, then `total`."""
        return {**self._stages, "total": (time.perf_counter() - self._start) * 1e3}
