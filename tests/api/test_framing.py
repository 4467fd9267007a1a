"""Where a request ends: upgrades, trailers and pipelining, over raw connections."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from off_tanet.api.middleware.auth import digest, new_key

from tests.benchmarks import load
from tests.support.processes import resident_bytes, workers_of
from tests.support.requests import SAMPLES, pair
from tests.support.serving import Server, serving
from tests.support.wire import answers, connected, received, statuses

KEY = new_key()
LIVE = load.get("/health/live")
SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADES = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    "websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "foo": b"Connection: keep-alive, upgrade\r\nupgrade: foo/1\r\n",
    "tls": b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(f"{digest(KEY)} clinic\n", encoding="utf-8")
    with serving(tmp_path_factory.mktemp("keyed"), workers=1, api_keys=file) as running:
        yield running


def chunked(body: bytes, trailers: bytes = b"") -> bytes:
    return b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailers)


def post(headers: bytes, *, key: str = KEY) -> bytes:
    """The head of a request whose body is not JSON: with a key the status is 400, otherwise 401."""
    given = f"X-API-Key: {key}\r\n".encode() if key else b""
    return (
        b"POST /v1/predictions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        + given
        + headers
        + b"\r\n"
    )


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("upgrade", UPGRADES)
def test_an_upgrade_is_ignored_and_the_body_kept(
    keyed: Server, upgrade: str, framing: str, apart: bool
) -> None:
    """A body that looks like a request must not be answered as one."""
    length = b"Content-Length: %d\r\n" % len(SMUGGLED)
    framed = length if framing == "length" else b"Transfer-Encoding: chunked\r\n"
    head = post(UPGRADES[upgrade] + framed)
    body = SMUGGLED if framing == "length" else chunked(SMUGGLED)
    pieces = (head, body, LIVE) if apart else (head + body + LIVE,)
    assert statuses(answers(keyed, *pieces)) == [400, 200]


@pytest.mark.parametrize("upgrade", UPGRADES)
def test_an_upload_that_asks_for_an_upgrade_is_answered(keyed: Server, upgrade: str) -> None:
    """`curl --http2` and Java's client ask for an upgrade with every first request."""
    onset, apex = pair("positive")
    upload = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    key = f"X-API-Key: {KEY}\r\n".encode()
    request = upload.replace(b"Content-Type", UPGRADES[upgrade] + key + b"Content-Type", 1)
    answered = answers(keyed, request)
    assert statuses(answered) == [200]
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["label"] == "positive"


def test_curl_may_ask_for_http2(keyed: Server) -> None:
    files = (f"{name}=@{SAMPLES / f'positive_{name}.jpg'}" for name in ("onset", "apex"))
    command = ["curl", "--silent", "--fail", "--http2", "--header", f"X-API-Key: {KEY}"]
    for file in files:
        command += ["--form", file]
    try:
        answered = subprocess.run(
            [*command, f"{keyed.url}/v1/predictions/frames"], capture_output=True, timeout=60
        )
    except FileNotFoundError:
        pytest.skip("there is no curl")
    assert json.loads(answered.stdout)["label"] == "positive"


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_a_trailer_is_not_a_header(keyed: Server, apart: bool) -> None:
    """A proxy checks headers, but not the trailers after the body."""
    head = post(b"Transfer-Encoding: chunked\r\n", key="")
    trailers = f"X-API-Key: {KEY}\r\nX-Request-ID: from-a-trailer\r\nHost: y\r\n".encode()
    body = chunked(b"{}", trailers)
    cut = body.index(b"X-API")
    pieces = (head + body[:cut], body[cut:], LIVE) if apart else (head + body + LIVE,)
    answered = answers(keyed, *pieces)
    assert statuses(answered) == [401, 200]
    assert b"from-a-trailer" not in answered


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_a_trailer_is_not_a_header_of_an_authorised_request(keyed: Server, apart: bool) -> None:
    head = post(b"Transfer-Encoding: chunked\r\nX-Request-ID: from-the-head\r\n")
    body = chunked(b"{}", b"X-Request-ID: from-a-trailer\r\n")
    pieces = (head, body[:7], body[7:]) if apart else (head + body,)
    answered = answers(keyed, *pieces)
    assert statuses(answered) == [422]
    assert re.findall(rb"x-request-id: (\S+)", answered) == [b"from-the-head"]


def test_an_endless_trailer_is_cut_off(keyed: Server) -> None:
    with connected(keyed) as client, contextlib.suppress(ConnectionError):
        client.sendall(post(b"Transfer-Encoding: chunked\r\n") + b"2\r\n{}\r\n0\r\n")
        for number in range(100_000):
            client.sendall(b"X-%d: trailer\r\n" % number)
        raise AssertionError("it was never cut off")


def test_pipelined_requests_are_answered_in_order(keyed: Server) -> None:
    request = b"".join(
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-ID: %d\r\n\r\n" % number
        for number in range(500)
    )
    answered = answers(keyed, request)
    assert statuses(answered) == [200] * 500
    found = re.findall(rb"x-request-id: (\d+)", answered)
    assert [int(number) for number in found] == list(range(500))


def test_pipelined_requests_are_kept_as_bytes(tmp_path: Path) -> None:
    """Parsed, each would take a hundred times as much: ten connections exhausted the memory."""
    onset, apex = pair("positive")
    upload = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    ahead = b"GET / HTTP/1.1\r\nHost:\r\n\r\n" * 20_000
    with serving(tmp_path, workers=1) as server, contextlib.ExitStack() as stack:
        (worker,) = workers_of(server.process.pid)
        os.kill(worker, signal.SIGSTOP)
        before = resident_bytes(server.process.pid)
        for _ in range(10):
            client = stack.enter_context(connected(server))
            client.sendall(upload)
            client.settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                client.sendall(ahead)
        with server.client() as http:
            assert http.get("/health/live").status_code == 200
        assert resident_bytes(server.process.pid) - before < 40_000_000
        os.kill(worker, signal.SIGCONT)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET http://other.example/health/live HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET /health/live HTTP/1.0\r\n\r\n", 200),
        (b"GET /health/live HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200),
        (b"\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\nX-API-Key: KEY\r\n\r\n", 404),
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nno request", 200),
    ],
)
def test_other_forms_of_a_request(keyed: Server, sent: bytes, status: int) -> None:
    """The key has its place in the text, as the names of tests may not be random."""
    assert statuses(answers(keyed, sent.replace(b"KEY", KEY.encode())))[0] == status


def test_a_client_may_wait_for_100_continue(keyed: Server) -> None:
    """Also together with an upgrade."""
    head = post(UPGRADES["h2c"] + b"Expect: 100-continue\r\nContent-Length: 2\r\n")
    with connected(keyed) as client:
        client.sendall(head)
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        client.shutdown(socket.SHUT_WR)
        assert statuses(received(client)) == [422]


def test_a_request_has_one_response(keyed: Server) -> None:
    """A request refused before its body is read is answered; its body must not be answered, too."""
    with connected(keyed) as client:
        client.sendall(post(b"Transfer-Encoding: chunked\r\n", key=""))
        answered = client.recv(65536)
        client.sendall(b"no chunk\r\n")
        assert statuses(answered + received(client)) == [401]


@pytest.mark.parametrize(
    "head",
    [
        post(b"Connection: close\r\nContent-Length: 20000000\r\n", key=""),
        post(b"Content-Length: 20000000\r\n", key="").replace(b"1.1", b"1.0", 1),
        post(b"Content-Length: 20000000\r\n", key=""),
    ],
    ids=["close", "1.0", "keep-alive"],
)
def test_a_refusal_reaches_a_client_that_is_still_sending(keyed: Server, head: bytes) -> None:
    """Python's urllib closes after each request, and reads nothing before all is sent."""
    with connected(keyed) as client:
        client.sendall(head)
        for _ in range(20):
            client.sendall(bytes(1_000_000))
        client.shutdown(socket.SHUT_WR)
        assert statuses(received(client)) == [401]
