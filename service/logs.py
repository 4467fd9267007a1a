"""Log records as lines, JSON for machines or text for people; no line quotes what was uploaded.

An exception's message may do so, therefore an exception is told of by its type and its place.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

log = logging.getLogger(__name__)

Format = Literal["json", "text"]


def configure(kind: Format) -> None:
    """Send every record of this process to standard error, in one form."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if kind == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(True)
    # Its warnings quote the parts of a form, headers with file names among them.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


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
