"""Log records as lines of JSON or text, which never quote an upload.

The message of an exception may quote one; therefore only an exception's type and place are logged.
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

Format = Literal["auto", "json", "text"]
QUEUE = 10_000  # lines; a few megabytes

_FLUSH_S = 1.0  # at the end of the process, if the reader of standard error is slow
_PAUSE_S = 0.05  # between the times at which lines are written
_STDERR = 2  # the file descriptor
_encode = json.JSONEncoder(ensure_ascii=False).encode


def configure(kind: Format, capacity: int = QUEUE) -> None:
    """Write all log records of this process to standard error, from a background thread.

    Args:
        kind: Format of the lines; `auto` is text for a terminal, otherwise JSON.
        capacity: Number of lines that may wait to be written.
    """
    handler = BackgroundHandler(capacity)
    handler.setFormatter(TextFormatter() if is_text(kind) else JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # No line contains these, and finding them out takes half of the time of a record.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # Its warnings quote parts of forms, including headers with file names.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    threading.excepthook = lambda failed: log.error("a thread failed", exc_info=failed.exc_value)
    sys.unraisablehook = lambda failed: log.error("a finalizer failed", exc_info=failed.exc_value)


def is_text(kind: Format) -> bool:
    """Return whether lines of this format are text: `auto` is, for a terminal."""
    return kind == "text" or (kind == "auto" and os.isatty(_STDERR))


def describe_error(error: BaseException) -> str:
    """Return the type of an exception and the place that raised it, but not its message."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_qualname}:{place.tb_lineno}" if place else "unknown"
    return f"{type(error).__name__} in {where}"


def log_loop_error(_loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Log an error of the event loop; the default handler would include the exception's message."""
    log.error(context["message"], exc_info=context.get("exception"))


class BackgroundHandler(logging.Handler):
    """Writes lines from a thread, because a reader that stops reading would block the event loop.

    The thread pauses before it waits for further lines: waking it for every line took more of the
    event loop's time than all else that a refused request needs.

    Lines are lost if `capacity` lines are waiting already, or if they cannot be written. Their
    number is logged as soon as a line can be written again.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity
        # The only queue whose `put` is reentrant: a finalizer may interrupt it and log.
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._refused = 0  # written by the logging threads, read by the writing thread
        self._torn = False  # whether the last line was written only in part
        self._hurry = threading.Event()  # set when the lines are to be written without pauses
        threading.Thread(target=self._write_lines, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line for the thread, or count it as lost."""
        try:
            line = self.format(record)
        except Exception:  # the arguments do not fit the message; the caller must not fail
            line = self.format(_record("a record could not be formatted"))
        if self._lines.qsize() < self._capacity:
            self._lines.put(line)
        else:
            self._refused += 1

    def flush(self) -> None:
        """Wait briefly until all lines are written; `logging` calls this when the process ends."""
        written = threading.Event()
        self._lines.put(written)
        self._hurry.set()
        written.wait(_FLUSH_S)
        self._hurry.clear()

    def _write_lines(self) -> None:
        unwritten = reported = 0
        while True:
            line = self._lines.get()
            lost = self._refused + unwritten - reported
            if lost and self._write(self.format(_record(f"{lost} lines of the log were lost"))):
                reported += lost
            if isinstance(line, threading.Event):
                line.set()
            elif not self._write(line):
                unwritten += 1
            if self._lines.empty():
                self._hurry.wait(_PAUSE_S)

    def _write(self, line: str) -> bool:
        """Write a line to standard error, however long it takes; return whether it was written."""
        begun = data = f"{chr(10) * self._torn}{line}\n".encode("utf-8", "backslashreplace")
        while data:
            try:
                data = data[os.write(_STDERR, data) :]
            except BlockingIOError:  # another process that shares it has made it non-blocking
                _wait_until_writable()
            except OSError:  # it has no reader, or the disk is full
                self._torn = self._torn or data != begun
                return False
        self._torn = False
        return True


def _wait_until_writable() -> None:
    if hasattr(select, "poll"):  # not on Windows, where nothing makes it non-blocking
        writable = select.poll()
        writable.register(_STDERR, select.POLLOUT)
        writable.poll()


def _record(message: str) -> logging.LogRecord:
    return log.makeRecord(log.name, logging.ERROR, "", 0, message, (), None)


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object, with the record's `fields` as members."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON object on one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().strip(),
            **_fields(record),
        }
        return _encode(line)


class TextFormatter(logging.Formatter):
    """Formats a record as its level and message, followed by its `fields` as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text on one line."""
        message = " ".join(record.getMessage().split())
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        return f"{record.levelname}:     {message}{fields}"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = dict(getattr(record, "fields", {}))
    if record.exc_info and record.exc_info[1] is not None:
        fields["exception"] = describe_error(record.exc_info[1])
    return fields
