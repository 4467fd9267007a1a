"""How much work a function does, told without a clock: the lines of its module that are run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class TooManyStepsError(AssertionError):
    """The work goes on beyond all that was expected."""


def steps(work: Callable[[], object], most: int, *files: str) -> int:
    """The lines of `files` that `work` runs; raises TooManyStepsError beyond `most`."""
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
