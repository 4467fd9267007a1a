"""The log must be of use to a machine, and never hold what was uploaded."""

from __future__ import annotations

import asyncio
import json
import logging
import sys

import pytest

from service.logs import JsonFormatter, TextFormatter, tell_of_loop_error

PIXELS = "secret pixels"
FORMATTERS = [JsonFormatter(), TextFormatter()]


def record_of(message: str, *, failed: bool = False) -> logging.LogRecord:
    error = None
    if failed:
        try:
            raise ValueError(PIXELS)
        except ValueError:
            error = sys.exc_info()
    return logging.LogRecord("room", logging.ERROR, "a.py", 1, message, None, error)


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_an_exception_is_told_without_its_message(formatter: logging.Formatter) -> None:
    """As the server logs it, and as a library that logs with `exception` does."""
    line = formatter.format(record_of("Exception in ASGI application\n", failed=True))
    assert PIXELS not in line
    assert "ValueError in record_of:" in line


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_a_record_is_one_line(formatter: logging.Formatter) -> None:
    """A message with a line break in it could forge a record."""
    assert "\n" not in formatter.format(record_of("first\nsecond\n"))


def test_a_json_line_has_its_fields_and_a_time_with_a_zone() -> None:
    record = record_of("request")
    record.fields = {"route": "/v1/model", "status": 200}
    line = json.loads(JsonFormatter().format(record))
    assert line["time"].endswith("+00:00")
    del line["time"]
    assert line == {
        "level": "error",
        "logger": "room",
        "message": "request",
        "route": "/v1/model",
        "status": 200,
    }


def test_a_forgotten_task_is_told_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    """The event loop's own handler prints the exception's message."""

    async def fail() -> None:
        raise ValueError(PIXELS)

    async def body() -> None:
        asyncio.get_running_loop().set_exception_handler(tell_of_loop_error)
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task  # never asked for its result

    asyncio.run(body())
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any(".fail:" in line and "ValueError in" in line for line in lines)
    assert PIXELS not in "".join(lines)
