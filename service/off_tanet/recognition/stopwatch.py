"""How long each stage of a request takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal[
    "decode", "face", "spotting", "spotting", "flow", "inference", "quality", "total"
]


class Stopwatch:
    """Milliseconds of each stage, however often it was entered, and of the whole."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Measure what is done inside as the stage `name`."""
        start = time.perf_counter()
        yield
        spent = (time.perf_counter() - start) * 1e3
        self._stages[name] = self._stages.get(name, 0.0) + spent

    def milliseconds(self) -> dict[str, float]:
        """The stages in their order, then `total`."""
        return {**self._stages, "total": (time.perf_counter() - self._start) * 1e3}
