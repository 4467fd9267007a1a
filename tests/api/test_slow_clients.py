"""Slow clients: each costs a bounded time, and does not affect others."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.benchmarks import load
from tests.support.serving import Server, serving
from tests.support.wire import PATIENCE_S, connected, received

CONNECTIONS = 6
HEAD = load.get("/health/live")
UPLOAD = load.upload("/v1/predictions/frames", {"onset": bytes(1000), "apex": bytes(1000)})


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("impatient")
    with serving(
        home,
        workers=1,
        header_timeout_s=1,
        body_timeout_s=1,
        max_body_bytes=10_000,
        max_inflight_body_bytes=15_000,
        max_connections=CONNECTIONS,
    ) as running:
        yield running


@pytest.mark.parametrize("sent", [b"", HEAD[:1], HEAD[:-2]], ids=["nothing", "a byte", "most"])
def test_a_head_that_does_not_arrive_times_out(impatient: Server, sent: bytes) -> None:
    with connected(impatient) as client:
        client.sendall(sent)
        assert received(client) == b""


def test_the_second_head_has_no_more_time_than_the_first(impatient: Server) -> None:
    """A kept connection with half a head in it is not idle."""
    with connected(impatient) as client:
        client.sendall(HEAD)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(HEAD[:10])
        assert b"HTTP/1.1" not in received(client)


def test_a_body_that_does_not_arrive_is_a_problem(impatient: Server) -> None:
    """A client on a bad connection must learn why its upload failed."""
    with connected(impatient) as client:
        client.sendall(UPLOAD[:-500])
        head, _, body = received(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "slow_request"


def test_a_body_that_continues_after_its_refusal_is_cut_off(impatient: Server) -> None:
    """Otherwise one byte a second would keep the connection open without end."""
    head = UPLOAD.partition(b"\r\n\r\n")[0].replace(b"Content-Length: ", b"Content-Length: 9")
    with connected(impatient) as client:
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 413")
        client.settimeout(0.1)
        closed = False
        for _ in range(10 * PATIENCE_S):
            with contextlib.suppress(TimeoutError):
                try:
                    client.sendall(b"x")
                    closed = client.recv(65536) == b""
                except ConnectionError:
                    closed = True
            if closed:
                break
        assert closed


def test_a_body_that_continues_after_the_response_is_cut_off(impatient: Server) -> None:
    """The refusal closes the connection; the remaining bytes are read for a limited time."""
    head = UPLOAD.partition(b"\r\n\r\n")[0].replace(b"Content-Length: ", b"Content-Length: 9")
    with connected(impatient) as client:
        client.sendall(head.replace(b"Host", b"Connection: close\r\nHost", 1) + b"\r\n\r\n")
        assert received(client).startswith(b"HTTP/1.1 413")
        with pytest.raises(ConnectionError):
            _drip(client)


def _drip(client: socket.socket) -> None:
    for _ in range(10 * PATIENCE_S):
        client.sendall(b"x")
        time.sleep(0.1)


def test_bodies_over_the_shared_memory_are_refused_with_retry_after(impatient: Server) -> None:
    """Unfinished uploads add up, even if each is within its limit."""
    upload = load.upload("/v1/predictions/clip", {"video": bytes(9_000)})
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(impatient)) for _ in range(2)]
        for client in clients:
            client.sendall(upload[:-1])
        heads = {client.recv(12) for client in clients}
    assert heads == {b"HTTP/1.1 408", b"HTTP/1.1 503"}


def test_connections_over_the_limit_are_closed_and_the_others_kept(impatient: Server) -> None:
    """Without free file descriptors, a process cannot even replace a worker."""
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(connected(impatient)) for _ in range(CONNECTIONS)]
        for client in kept:
            client.sendall(HEAD)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        with connected(impatient) as late:
            assert received(late) == b""
    with impatient.client() as http:
        assert http.get("/health/live").status_code == 200


def test_slow_clients_do_not_affect_others(impatient: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS // 2):
            stack.enter_context(connected(impatient)).sendall(UPLOAD[:-500])
        with httpx.Client(base_url=impatient.url, timeout=PATIENCE_S) as http:
            assert http.get("/health/ready").status_code == 200
