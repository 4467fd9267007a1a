"""Clients that hold a connection and ask nothing: each costs a bounded time, and nobody else."""

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
def test_a_head_that_does_not_come_is_waited_for_in_vain(impatient: Server, sent: bytes) -> None:
    with connected(impatient) as client:
        client.sendall(sent)
        assert received(client) == b""


def test_the_second_head_has_no_more_time_than_the_first(impatient: Server) -> None:
    """A kept connection is not idle while half a head lies in it."""
    with connected(impatient) as client:
        client.sendall(HEAD)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(HEAD[:10])
        assert b"HTTP/1.1" not in received(client)


def test_a_body_that_does_not_come_is_a_problem(impatient: Server) -> None:
    """Whoever uploads over a bad line must be told why it failed."""
    with connected(impatient) as client:
        client.sendall(UPLOAD[:-500])
        head, _, body = received(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "slow_request"


def test_a_body_that_goes_on_after_its_refusal_is_cut_off(impatient: Server) -> None:
    """Else one byte a second would keep the connection for ever."""
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


def test_a_body_that_goes_on_after_its_refusal_and_the_end_is_cut_off(impatient: Server) -> None:
    """The refusal ends with the connection; what goes on coming is read for a while."""
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


def test_bodies_over_the_memory_for_all_are_told_to_come_back(impatient: Server) -> None:
    """Uploads that stop before their end, each within its limit, add up."""
    upload = load.upload("/v1/predictions/clip", {"video": bytes(9_000)})
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(impatient)) for _ in range(2)]
        for client in clients:
            client.sendall(upload[:-1])
        heads = {client.recv(12) for client in clients}
    assert heads == {b"HTTP/1.1 408", b"HTTP/1.1 503"}


def test_connections_over_the_limit_are_closed_and_the_others_kept(impatient: Server) -> None:
    """Open files are a process's scarcest good: without them it cannot even replace a worker."""
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(connected(impatient)) for _ in range(CONNECTIONS)]
        for client in kept:
            client.sendall(HEAD)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        with connected(impatient) as late:
            assert received(late) == b""
    with impatient.client() as http:
        assert http.get("/health/live").status_code == 200


def test_slow_clients_leave_the_others_alone(impatient: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS // 2):
            stack.enter_context(connected(impatient)).sendall(UPLOAD[:-500])
        with httpx.Client(base_url=impatient.url, timeout=PATIENCE_S) as http:
            assert http.get("/health/ready").status_code == 200
