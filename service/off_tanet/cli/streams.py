"""The standard streams, which a command may find closed, full or left by their reader."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STDOUT, _STDERR = 1, 2
_PATIENCE_S = 1.0


def prepare() -> None:
    """Let nothing of the standard streams fail a command but a full disk behind its answer."""
    # A socket or a file that takes the number of one that is closed would get what is printed.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    # Who has closed the pipe has read enough of an answer; an error has nobody left to be told to.
    sys.stdout = _text(_STDOUT, BrokenPipeError)
    sys.stderr = _text(_STDERR, OSError)


def flush() -> None:
    """Write what is left of the answer. Raises OSError, after which it is given up."""
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), _STDOUT)
        raise


class _Descriptor(io.FileIO):
    """Takes an error of the kind `passed_over` for all having been written.

    Standard error is not waited for, either, where its reader has stopped.
    """

    def __init__(self, number: int, passed_over: type[OSError]) -> None:
        super().__init__(number, "wb", closefd=False)
        self._passed_over = passed_over

    def write(self, data: ReadableBuffer, /) -> int:
        if self.fileno() == _STDERR and not select.select([], [self], [], _PATIENCE_S)[1]:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except self._passed_over:
            return memoryview(data).nbytes


def _text(number: int, passed_over: type[OSError]) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(_Descriptor(number, passed_over))
    known = sys.stdout if number == _STDOUT else sys.stderr
    # File names need not be text, and not every terminal has every character.
    return io.TextIOWrapper(
        buffer,
        encoding=getattr(known, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=number == _STDERR or buffer.isatty(),
    )
