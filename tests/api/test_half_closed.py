"""Clients that close their sending side after the request: some wait, others have left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks import load
from tests.support.processes import workers_of
from tests.support.requests import CLIP, STREAM, pair
from tests.support.serving import Server, log_entries, serving, wait_for_metric
from tests.support.wire import answers, connected, received, statuses

ONSET, APEX = pair("positive")
UPLOAD = load.upload("/v1/predictions/frames", {"onset": ONSET, "apex": APEX})
EVENTS = load.upload("/v1/predictions/clip", {"video": CLIP.read_bytes()}).replace(
    b"Host", f"Accept: {STREAM['Accept']}\r\nHost".encode(), 1
)
DEPTH = "off_tanet_queue_depth"
IDLE = 'off_tanet_workers{state="idle"}'
GONE = 'off_tanet_requests_total{code="499",method="POST",route="/v1/predictions/frames"}'
LIVE = load.get("/health/live")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("half-closed"), workers=1, queue_size=3) as server:
        yield server


def half_closed_client(server: Server, request: bytes) -> socket.socket:
    """A client that has sent its request and sends nothing more."""
    client = connected(server)
    client.sendall(request)
    client.shutdown(socket.SHUT_WR)
    return client


@contextlib.contextmanager
def occupied(server: Server) -> Iterator[None]:
    """The only worker is stopped while it works for a waiting client, and then continues."""
    wait_for_metric(server, IDLE, 1.0)
    (worker,) = workers_of(server.process.pid)
    os.kill(worker, signal.SIGSTOP)
    with half_closed_client(server, UPLOAD) as client:
        try:
            wait_for_metric(server, IDLE, 0.0)
            yield
        finally:
            os.kill(worker, signal.SIGCONT)
        assert received(client).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (LIVE, [200]),
        (UPLOAD, [200]),
        (EVENTS, [200]),
        (LIVE.replace(b"1.1", b"1.0"), [200]),
        (UPLOAD.replace(b"1.1", b"1.0", 1), [200]),
        (UPLOAD + LIVE + UPLOAD, [200, 200, 200]),
        (LIVE + UPLOAD[:500], [200]),
        (UPLOAD[:-1], []),
        (LIVE[:-1], []),
        (b"", []),
    ],
    ids=[
        *("get", "upload", "events", "1.0", "upload by 1.0", "three", "one and a half"),
        *("most of a body", "most of a head", "nothing"),
    ],
)
def test_complete_requests_are_answered(
    running: Server, request_: bytes, status: list[int]
) -> None:
    """`nc -N` and old clients do this; an incomplete request can never be completed."""
    assert statuses(answers(running, request_)) == status


def test_a_waiting_client_is_answered_and_one_that_left_frees_its_place(running: Server) -> None:
    """The same packets were exchanged with both of them."""
    with contextlib.ExitStack() as waiting:
        with occupied(running):
            stream = waiting.enter_context(half_closed_client(running, EVENTS))
            wait_for_metric(running, DEPTH, 1.0)
            left = connected(running)
            left.sendall(UPLOAD)
            wait_for_metric(running, DEPTH, 2.0)
            left.close()
            wait_for_metric(running, DEPTH, 1.0)
        events = received(stream)
    assert events.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"event: prediction" in events
    assert events.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("request_", [UPLOAD, EVENTS], ids=["upload", "events"])
@pytest.mark.parametrize("how", ["at once", "half first", "reset"])
def test_a_client_that_leaves_the_queue_frees_its_place(
    running: Server, request_: bytes, how: str
) -> None:
    """However it leaves, nobody would read the answer."""
    with occupied(running):
        left = connected(running)
        left.sendall(request_)
        if how == "half first":
            left.shutdown(socket.SHUT_WR)
        wait_for_metric(running, DEPTH, 1.0)
        if how == "reset":
            left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        left.close()
        wait_for_metric(running, DEPTH, 0.0)


def test_a_client_that_left_is_logged(tmp_path: Path) -> None:
    """Its request must not be counted as answered."""
    with serving(tmp_path, workers=1) as server:
        with occupied(server):
            half_closed_client(server, UPLOAD).close()
            wait_for_metric(server, GONE, 1.0)
        assert server.stop() == 0
    entries = [line for line in log_entries(server) if line.get("method") == "POST"]
    assert [line.get("problem") for line in entries] == ["client_gone", None]
