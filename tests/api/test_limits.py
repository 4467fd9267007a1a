"""Limits on the head of a request and on the parts of its form, over a raw socket."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

import pytest

from tests.support.serving import Server
from tests.support.wire import FRAMES_HEAD, PAIR, exchange, form, part

LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def check_limit(answer: tuple[int, bytes], status: int, limit: str) -> None:
    problem = json.loads(answer[1])
    assert (answer[0], problem["status"]) == (status, status)
    assert problem["code"] == "limit_exceeded"
    assert problem["limit"] == limit


def test_too_many_headers(server: Server) -> None:
    """Each header is processed several times: many small ones cost more than their bytes."""
    assert exchange(server, LIVE + b"a: b\r\n" * 98 + b"\r\n")[0] == 200
    check_limit(exchange(server, LIVE + b"a: b\r\n" * 99 + b"\r\n"), 431, "max_headers")


@pytest.mark.parametrize("size", [16384, 200_000])
def test_headers_that_are_too_large(server: Server, size: int) -> None:
    assert exchange(server, LIVE + b"a: " + b"b" * 16000 + b"\r\n\r\n")[0] == 200
    status, body = exchange(server, LIVE + b"a: " + b"b" * size + b"\r\n\r\n")
    if status == 400:  # the data came in segments, and the server had read enough
        assert size > 30_000
    else:
        check_limit((status, body), 431, "max_header_bytes")


def test_a_url_that_is_too_long(server: Server) -> None:
    for rest in (b"a" * 8192, b"?include=" + b"a" * 8192):
        check_limit(exchange(server, LIVE.replace(b"live", rest) + b"\r\n"), 414, "max_url_bytes")


TRAILERS = FRAMES_HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"


@pytest.mark.parametrize(
    "begun",
    [LIVE, LIVE[:-2], b"GET /", TRAILERS],
    ids=["headers", "header", "url", "trailers"],
)
def test_a_head_without_end(server: Server, begun: bytes) -> None:
    """It is held in memory before it can be checked, so the server must close the connection."""
    port = int(server.url.rpartition(":")[2])
    sent = 0
    more = b"a: b\r\n" * 1000 if begun in (LIVE, TRAILERS) else b"a" * 6000
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as client,
        suppress(BrokenPipeError, ConnectionResetError),
    ):
        client.sendall(begun)
        while sent < 50_000_000:
            client.sendall(more)
            sent += len(more)
    assert sent < 10_000_000  # what the socket buffers hold is not the server's memory


FIELD = b'Content-Disposition: form-data; name="a"\r\n\r\nb'
BAD_FORMS = {
    "files": form(*[part(f"file{index}") for index in range(17)]),
    "fields": form(*PAIR, *[FIELD] * 15),
    "a thousand empty parts": form(*PAIR, *[FIELD] * 1000),
    "a long header of a part": form(part("onset", b"A: " + b"b" * 5000 + b"\r\n"), PAIR[1]),
    "many headers of a part": form(part("onset", b"A: b\r\n" * 20), PAIR[1]),
    "a long field": form(*PAIR, FIELD.replace(b'"a"', b'"face"') + b"b" * 2_000_000),
    "a long boundary": form(*PAIR).replace(b"boundary=b", b"boundary=" + b"b" * 5000),
}


@pytest.mark.parametrize("case", BAD_FORMS)
def test_a_form_over_its_limits(server: Server, case: str) -> None:
    """No route has this many files and fields, and no part more than a few headers."""
    status, body = exchange(server, BAD_FORMS[case])
    assert (status, json.loads(body)["code"]) == (400, "malformed_body")


@pytest.mark.parametrize("size", [1, 2_000_000])
def test_an_unknown_field_is_not_kept(server: Server, size: int) -> None:
    """Whatever its length, the client only needs its name."""
    status, body = exchange(server, form(*PAIR, FIELD + b"b" * size))
    problem = json.loads(body)
    assert (status, problem["code"]) == (422, "invalid_request")
    assert "body.a: unknown name" in problem["detail"]


def test_a_form_within_its_limits(server: Server) -> None:
    assert exchange(server, form(*PAIR))[0] == 200
