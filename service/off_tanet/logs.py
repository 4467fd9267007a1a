"""Log records as lines, JSON for machines or text for people; no line quotes what was uploaded.

An exception's message may do so, therefore an exception is told of by its type and its place.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import select
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

log = logging.getLogger(__name__)

Format = Literal["json", "text"]
QUEUE = 10_000  # lines; a few megabytes

_FLUSH_S = 1.0  # at the end of the process, for a reader that is slow
_STDERR = 2  # the file descriptor


def configure(kind: Format, capacity: int = QUEUE) -> None:
    """Send every record of this process to standard error, in one form; nobody waits for that.

    Up to `capacity` lines wait to be written.
    """
    handler = BackgroundHandler(capacity)
    handler.setFormatter(JsonFormatter() if kind == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # Its warnings quote the parts of a form, headers with file names among them.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    threading.excepthook = lambda failed: log.error("a thread failed", exc_info=failed.exc_value)
    sys.unraisablehook = lambda failed: log.error("a finalizer failed", exc_info=failed.exc_value)


def told(error: BaseException) -> str:
    """The type of `error` and the place that raised it."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_qualname}:{place.tb_lineno}" if place else "unknown"
    return f"{type(error).__name__} in {where}"


def tell_of_loop_error(_loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """The event loop's exception handler; its own would print the exception into the message."""
    log.error(context["message"], exc_info=context.get("exception"))


class BackgroundHandler(logging.Handler):
    """Writes lines in a thread of its own: a reader that stops would stop the event loop, too.

    What finds `capacity` lines waiting is lost, and so is what cannot be written. How many lines
    that were is told by a line, as soon as one can be written.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity
        # Of all queues the one whose `put` may be interrupted by another: a finalizer may log.
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._refused = 0  # written by those who log, and read by the thread
        self._torn = False  # the last line is there in part
        threading.Thread(target=self._write_lines, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Leave the line to the thread, or count it as lost."""
        try:
            line = self.format(record)
        except Exception:  # the caller's arguments do not fit; it must not fail by that
            line = self.format(_record("a record could not be formatted"))
        if self._lines.qsize() < self._capacity:
            self._lines.put(line)
        else:
            self._refused += 1

    def flush(self) -> None:
        """Wait until all is written, but not for long; `logging` does so when the process ends."""
        written = threading.Event()
        self._lines.put(written)
        written.wait(_FLUSH_S)

    def _write_lines(self) -> None:
        unwritten = told = 0
        while True:
            line = self._lines.get()
            lost = self._refused + unwritten - told
            if lost and self._written(self.format(_record(f"{lost} lines of the log were lost"))):
                told += lost
            if isinstance(line, threading.Event):
                line.set()
            elif not self._written(line):
                unwritten += 1

    def _written(self, line: str) -> bool:
        """Write to standard error, for as long as it takes; False where that cannot be done."""
        begun = data = f"{chr(10) * self._torn}{line}\n".encode("utf-8", "backslashreplace")
        while data:
            try:
                data = data[os.write(_STDERR, data) :]
            except BlockingIOError:  # whoever shares it has made it so
                writable = select.poll()
                writable.register(_STDERR, select.POLLOUT)
                writable.poll()
            except OSError:  # nobody reads, or the disk is full
                self._torn = self._torn or data != begun
                return False
        self._torn = False
        return True


def _record(message: str) -> logging.LogRecord:
    return log.makeRecord(log.name, logging.ERROR, "", 0, message, (), None)


class JsonFormatter(logging.Formatter):
    """One JSON object a line; a record's `fields` are members of it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().strip(),
            **_fields(record),
        }
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Level, message, then what else the record has as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        message = " ".join(record.getMessage().split())
        rest = "".join(f" {name}={value}" for name, value in _fields(record).items())
        return f"{record.levelname}:     {message}{rest}"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = dict(getattr(record, "fields", {}))
    if record.exc_info and record.exc_info[1] is not None:
        fields["exception"] = told(record.exc_info[1])
    return fields
