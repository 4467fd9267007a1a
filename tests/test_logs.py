"""The log: machine-readable, and without anything of an upload."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from off_tanet.logs import JsonFormatter, TextFormatter, log_loop_error

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
def test_an_exception_is_logged_without_its_message(formatter: logging.Formatter) -> None:
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


def test_a_forgotten_task_is_logged_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    """The event loop's own handler prints the exception's message."""

    async def fail() -> None:
        raise ValueError(PIXELS)

    async def body() -> None:
        asyncio.get_running_loop().set_exception_handler(log_loop_error)
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task  # its result is never read

    asyncio.run(body())
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any(".fail:" in line and "ValueError in" in line for line in lines)
    assert PIXELS not in "".join(lines)


ODD = """
import asyncio, gc, logging, sys, threading, warnings
from off_tanet import logs
logs.configure("json")
log = logging.getLogger("odd")
log.error("%d of %s", "no number")
log.error("\\udcff is no text")
warnings.warn("secret pixels", stacklevel=1)

def fail():
    raise ValueError("secret pixels")

class Failing:
    def __del__(self):
        fail()

thread = threading.Thread(target=fail)
thread.start()
thread.join()
Failing()
logging.getLogger("late").info("the last")
"""


def test_logging_itself_prints_nothing() -> None:
    """Its messages about its own errors quote arguments, which may be uploaded; so do failing
    threads and finalizers. All records from before the end are written."""
    ran = subprocess.run([sys.executable, "-c", ODD], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert "a record could not be formatted" in [line["message"] for line in lines]
    places = [line["exception"] for line in lines if "exception" in line]
    assert [place.rpartition(":")[0] for place in places] == ["ValueError in fail"] * 2
    assert lines[-1]["message"] == "the last"
    quoting = [line["logger"] for line in lines if PIXELS in str(line)]
    assert quoting == ["py.warnings"]  # which are written by programmers


def test_every_line_is_written_or_counted() -> None:
    """Without a reader, no more than the limit is kept; then a line says how much was lost."""
    program = """
import logging
from off_tanet import logs
logs.configure("json", 50)
for _ in range(1000):
    logging.info("asked")
print("logged", flush=True)
input()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        assert process.stdout.readline() == "logged\n"
        process.stdin.write("\n")
        process.stdin.close()
        messages = [json.loads(line)["message"] for line in process.stderr]
    lost = [message.split() for message in messages if message != "asked"]
    assert {" ".join(words[1:]) for words in lost} == {"lines of the log were lost"}
    assert sum(int(words[0]) for words in lost) + messages.count("asked") == 1000
    assert messages.count("asked") >= 50


def test_a_partly_written_line_does_not_damage_others(tmp_path: Path) -> None:
    """A disk may be full in the middle of one, and have room again later."""
    program = """
import logging, os, resource
from off_tanet import logs
logs.configure("json")
log, (handler,) = logging.getLogger("full"), logging.getLogger().handlers
def log_line(line, limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    log.info(line)
    handler.flush()
log_line("first", 1000)
log_line("x" * 2000, 1000)
log_line("y" * 2000, 1000)
log_line("last", resource.RLIM_INFINITY)
"""
    with (tmp_path / "log").open("wb") as file:
        subprocess.run([sys.executable, "-c", program], stderr=file, check=True)
    first, torn, lost, last = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["message"] for line in (first, lost, last)] == [
        "first",
        "2 lines of the log were lost",
        "last",
    ]
    assert "x" in torn
