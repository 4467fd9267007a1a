"""The server's log: one line for each request, and nothing of its content."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
from pathlib import Path

import pytest
from off_tanet.api.middleware.errors import ErrorMiddleware
from off_tanet.api.middleware.exchange import ExchangeMiddleware
from starlette.types import Message, Receive, Scope, Send

from tests.support import factories
from tests.support.requests import CLIP, ask_frames, pair
from tests.support.serving import Server, log_entries, logging_to, serving

ASKED = 300
MARK = "A-MARK-THAT-ONLY-THE-CLIENT-KNOWS"


def test_each_request_is_one_line_of_json(tmp_path: Path) -> None:
    with serving(tmp_path, workers=1) as server, server.client() as http:
        ids = [
            ask_frames(http, *pair("positive")).headers["x-request-id"],
            http.get("/v1/nothing").headers["x-request-id"],
        ]
    requests = [line for line in log_entries(server) if line["message"] == "request"]
    assert [line["request_id"] for line in requests] == ids
    answered, refused = requests
    assert answered["level"] == "info"
    assert (answered["method"], answered["route"]) == ("POST", "/v1/predictions/frames")
    assert answered["status"] == 200
    assert 0 < answered["stages_ms"]["total"] <= answered["duration_ms"]
    assert (refused["route"], refused["problem"]) == ("unmatched", "not_found")


def test_the_log_contains_nothing_of_the_request(tmp_path: Path) -> None:
    """No name, query, path or byte, also in what the decoders print."""
    damaged = bytearray(CLIP.read_bytes())
    damaged[2000:4000] = factories.text()[:1] * 2000
    with serving(tmp_path, workers=1) as server, server.client() as http:
        for data in (MARK.encode(), bytes(damaged), factories.mp4(factories.frames())[:200]):
            files = {"video": (MARK, data, MARK)}
            http.post(f"/v1/predictions/clip?{MARK}={MARK}", files=files)
        http.get(f"/{MARK}", headers={"User-Agent": MARK})
        form = f"--x\r\nContent-Disposition: {MARK}\r\n\r\n{MARK}".encode()
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        http.post("/v1/predictions/frames", content=form, headers=headers)
    assert len([line for line in log_entries(server) if line["message"] == "request"]) == 5
    assert MARK not in "".join(server.log)


def test_output_of_decoders_is_not_in_the_log(tmp_path: Path) -> None:
    """Their libraries write unstructured lines straight to standard error."""
    with serving(tmp_path, workers=1) as server, server.client() as http:
        for whole in (factories.jpeg(factories.portrait()), factories.png(factories.portrait())):
            broken = bytearray(whole)
            broken[len(whole) // 2 : len(whole) // 2 + 100] = bytes(100)
            ask_frames(http, bytes(broken), bytes(broken))
    assert {line["logger"].partition(".")[0] for line in log_entries(server)} == {
        "off_tanet",
        "uvicorn",
    }


def test_text_for_people(tmp_path: Path) -> None:
    with serving(tmp_path, workers=1, log_format="text") as server, server.client() as http:
        http.get("/health/live")
    assert any(line.startswith("INFO:") and "route=/health/live" in line for line in server.log)


@pytest.mark.parametrize("begun", [False, True])
def test_an_internal_error_is_answered_and_logged_with_its_place(
    caplog: pytest.LogCaptureFixture, begun: bool
) -> None:
    """No request is known to cause one, so a failing application is used."""
    sent: list[Message] = []

    async def fails(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(MARK)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    layers = ExchangeMiddleware(ErrorMiddleware(fails), frozenset(), ())
    asyncio.run(layers(scope, receive, send))
    assert [message.get("status") for message in sent] == ([200] if begun else [500, None])
    assert "RuntimeError in" in caplog.text
    assert MARK not in caplog.text + str(sent)


def ask_often(server: Server) -> None:
    with server.client() as http:
        assert {http.get("/v1/model").status_code for _ in range(ASKED)} == {200}


def test_a_stalled_log_reader_does_not_stop_the_service(tmp_path: Path) -> None:
    """A log shipper that hangs must not block requests. When it reads again, a line reports
    how many lines were lost."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    with logging_to(write, tmp_path, workers=1, log_queue_size=20) as server, open(read) as log:
        os.close(write)
        ask_often(server)
        process = server.process
        line = log.readline()
        process.send_signal(signal.SIGTERM)
        lines = [json.loads(each) for each in (line, *log)]
        assert process.wait(30) == 0
    entries = [line for line in lines if line.get("route") == "/v1/model"]
    lost = [int(line["message"].split()[0]) for line in lines if "were lost" in line["message"]]
    assert len(entries) < ASKED
    assert len(entries) + sum(lost) >= ASKED  # other lines may have been lost, too


def test_a_stalled_log_reader_does_not_delay_the_exit(tmp_path: Path) -> None:
    """Writing the remaining lines has a time limit."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    with logging_to(write, tmp_path, workers=1) as server:
        ask_often(server)
        assert server.stop() == 0
    os.close(read)
    os.close(write)


def test_a_log_that_cannot_be_written_does_not_stop_the_service(tmp_path: Path) -> None:
    """As on a full disk."""
    with open("/dev/full", "wb") as full, logging_to(full, tmp_path, workers=1) as server:
        ask_often(server)
        assert server.stop() == 0


def test_a_closed_log_reader_does_not_stop_the_service(tmp_path: Path) -> None:
    read, write = os.pipe()
    with logging_to(write, tmp_path, workers=1) as server:
        os.close(write)
        os.close(read)
        ask_often(server)
        assert server.stop() == 0
