"""Clients that do not read their responses: each costs a bounded time and memory."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.benchmarks import load
from tests.support.requests import CLIP, pair
from tests.support.serving import Server, serving
from tests.support.wire import connected, has_hung_up, received, statuses

WRITE_S = 1
BUFFER_BYTES = 2048
ONSET, APEX = pair("positive")
FILE = load.get("/web/clip.mp4")
EVERYTHING = "include=flow,arrows,strain,attention,crops,report,arrays"
PICTURES = load.upload(f"/v1/predictions/frames?{EVERYTHING}", {"onset": ONSET, "apex": APEX})
EVENTS = load.upload(f"/v1/predictions/clip?{EVERYTHING}", {"video": CLIP.read_bytes()}).replace(
    b"Host", b"Accept: text/event-stream\r\nHost", 1
)
REQUESTS = {
    "a file": FILE,
    "a file, closing": FILE.replace(b"Host", b"Connection: close\r\nHost"),
    "pictures": PICTURES,  # the whole response at once, from a worker
    "events": EVENTS,
    "many": load.get("/metrics") * 1000,
    "nothing there": load.get("/nothing") * 5000,
}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("impatient")
    with serving(home, workers=1, write_timeout_s=WRITE_S, max_connections=6) as running:
        yield running


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("half_closed", [False, True], ids=["open", "half-closed"])
def test_an_unread_response_is_cut_off(impatient: Server, kind: str, half_closed: bool) -> None:
    """Otherwise it would hold a connection and its memory without end."""
    with connected(impatient, buffer_bytes=BUFFER_BYTES) as client:
        client.settimeout(1)
        with contextlib.suppress(TimeoutError):  # the server stops reading
            client.sendall(REQUESTS[kind])
            if half_closed:
                client.shutdown(1)
        assert has_hung_up(client)


def test_unread_responses_do_not_block_others(impatient: Server) -> None:
    """Not for longer than the server's timeout."""
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            client = stack.enter_context(connected(impatient, buffer_bytes=BUFFER_BYTES))
            client.sendall(FILE)
        while True:
            with contextlib.suppress(httpx.TransportError), impatient.client() as http:
                assert http.get("/health/live").status_code == 200
                break


@pytest.mark.parametrize("kind", ["a file", "a file, closing", "pictures", "events"])
def test_a_slow_reader_gets_the_complete_response(impatient: Server, kind: str) -> None:
    """Only a standstill is cut off, not a slow connection."""
    with connected(impatient) as quick:
        quick.sendall(REQUESTS[kind].replace(b"Host", b"Connection: close\r\nHost", 1))
        length = len(received(quick))
    pieces = []
    with connected(impatient, buffer_bytes=BUFFER_BYTES) as client:
        client.sendall(REQUESTS[kind].replace(b"Host", b"Connection: close\r\nHost", 1))
        while piece := client.recv(4096):
            pieces.append(piece)
            time.sleep(3 * WRITE_S * len(piece) / length)  # slower than the timeout
    answered = b"".join(pieces)
    assert statuses(answered) == [200]
    if kind.startswith("a file"):
        assert answered.partition(b"\r\n\r\n")[2] == CLIP.read_bytes()
    else:
        assert answered.endswith((b"}", b"\r\n0\r\n\r\n"))


def test_an_unread_stream_releases_its_upload(tmp_path: Path) -> None:
    """The memory of all bodies is bounded, and unread streams must not use it up."""
    size = len(EVENTS)
    most = size * 3 // 2
    with (
        serving(
            tmp_path, workers=1, write_timeout_s=WRITE_S, max_inflight_body_bytes=most
        ) as server,
        connected(server, buffer_bytes=BUFFER_BYTES) as client,
        server.client() as http,
    ):
        client.sendall(EVENTS)
        assert client.recv(12) == b"HTTP/1.1 200"
        while (
            answer := http.post("/v1/predictions/clip", files={"video": CLIP.read_bytes()})
        ).is_error:
            assert answer.json()["code"] == "queue_full"


@pytest.mark.slow
def test_an_unread_response_does_not_delay_the_shutdown(tmp_path: Path) -> None:
    """A restart must not wait for clients that do not read."""
    with serving(tmp_path, workers=1) as server, contextlib.ExitStack() as stack:
        for request in (FILE, PICTURES, EVENTS, load.get("/metrics") * 1000):
            client = stack.enter_context(connected(server, buffer_bytes=BUFFER_BYTES))
            client.sendall(request)
            assert client.recv(12) == b"HTTP/1.1 200"
        assert server.stop() == 0
    assert not [line for line in server.log if "graceful shutdown exceeded" in line]


def test_the_memory_of_all_unread_responses_is_bounded(tmp_path: Path) -> None:
    """A thousand responses of some megabytes are too much to hold, even for seconds."""
    with serving(tmp_path, workers=1, write_timeout_s=600, max_unsent_bytes=100_000) as server:
        with contextlib.ExitStack() as stack:
            clients = []
            for _ in range(4):  # each leaves most of a block of 64 KiB unread
                client = stack.enter_context(connected(server, buffer_bytes=BUFFER_BYTES))
                client.sendall(FILE)
                assert client.recv(12) == b"HTTP/1.1 200"
                clients.append(client)
            assert [has_hung_up(client) for client in clients[:2]] == [True, True]
            assert not has_hung_up(clients[-1], 0)
        with server.client() as http:
            assert http.get("/web/clip.mp4").content == CLIP.read_bytes()
