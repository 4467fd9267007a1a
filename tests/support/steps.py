"""The work of a function without a clock: the number of executed lines of its module."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class TooManyStepsError(AssertionError):
    """The work exceeds its limit."""


def steps(work: Callable[[], object], most: int, *files: str) -> int:
    """The number of lines of `files` that `work` executes; raises TooManyStepsError over `most`."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith(files):
            return None
        count += event == "line"
        if count > most:
            raise TooManyStepsError(f"more than {most} lines")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
