"""Standard streams that may be closed, full, or have lost their reader."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STDOUT, _STDERR = 1, 2
_STDERR_TIMEOUT_S = 1.0


def prepare() -> None:
    """Make only one failure of the standard streams an error: an answer that cannot be written."""
    if os.name != "posix":  # Windows: the console takes text, and `select` only sockets
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return
    # Opens closed descriptors: a socket or file that got their number would receive the output.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    # A reader that closes the pipe has read enough. Errors cannot be reported without stderr.
    sys.stdout = _text(_STDOUT, BrokenPipeError)
    sys.stderr = _text(_STDERR, OSError)


def flush() -> None:
    """Write the buffered output.

    Raises:
        OSError: It cannot be written, such as on a full disk. The output is then discarded.
    """
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as null:
            os.dup2(null.fileno(), _STDOUT)
        raise


class _Descriptor(io.FileIO):
    """A descriptor that treats data as written if an error of type `ignored` occurs.

    Data for standard error is also dropped after a second in which its reader takes nothing.
    """

    def __init__(self, number: int, ignored: type[OSError]) -> None:
        super().__init__(number, "wb", closefd=False)
        self._ignored = ignored

    def write(self, data: ReadableBuffer, /) -> int:
        if self.fileno() == _STDERR and not select.select([], [self], [], _STDERR_TIMEOUT_S)[1]:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except self._ignored:
            return memoryview(data).nbytes


def _text(number: int, ignored: type[OSError]) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(_Descriptor(number, ignored))
    stream = sys.stdout if number == _STDOUT else sys.stderr
    # File names need not be valid text, and a terminal may lack characters.
    return io.TextIOWrapper(
        buffer,
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=number == _STDERR or buffer.isatty(),
    )
