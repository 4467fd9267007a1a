"""The request parser: the same requests come out, however the bytes are split."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from off_tanet.api.http_protocol.parsing import RequestParser


@dataclass
class Request:
    """What the parser reported for one request."""

    url: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False


class Listener:
    """Collects complete requests, and checks the order of the parser's events."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._begun = Request()

    def on_message_begin(self) -> None:
        self._begun = Request()

    def on_url(self, url: bytes) -> None:
        self._begun.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        assert not any(each is self._begun for each in self.requests), "a header after its head"
        self._begun.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.requests.append(self._begun)

    def on_body(self, body: bytes) -> None:
        self.requests[-1].body += body

    def on_message_complete(self) -> None:
        assert not self.requests[-1].ended
        self.requests[-1].ended = True


def parsed(pieces: list[bytes]) -> list[Request]:
    listener = Listener()
    parser = RequestParser(listener)
    for piece in pieces:
        at = 0
        while at < len(piece):
            before = sum(request.ended for request in listener.requests)
            stop = parser.feed(piece, at)
            assert at < stop <= len(piece)
            assert sum(request.ended for request in listener.requests) <= before + 1
            at = stop
    return listener.requests


UPGRADES = (b"h2c", b"websocket", b"foo", b"TLS/1.0", b"h2c, websocket")
BODIES = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from((b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
        max_size=4,
    ).map(b"".join),
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, Request]:
    """The bytes of a request, and what the parser must report."""
    body = draw(BODIES)
    url = draw(st.sampled_from((b"/", b"/v1/predictions?a=b", b"*")))
    headers = [(b"Host", b"x")]
    upgrade = draw(st.none() | st.sampled_from(UPGRADES))
    if upgrade is not None:
        headers.append((b"Connection", draw(st.sampled_from((b"Upgrade", b"keep-alive, upgrade")))))
    framing = draw(st.sampled_from(("none", "length", "chunked")))
    trailers = b""
    if framing == "none":
        body = content = b""
    elif framing == "length":
        content = body
        headers.append((b"Content-Length", b"%d" % len(body)))
    else:
        headers.append((b"Transfer-Encoding", b"chunked"))
        sizes = draw(st.integers(1, 30))
        parts = [body[at : at + sizes] for at in range(0, len(body), sizes)]
        trailers = draw(st.sampled_from((b"", b"X-API-Key: k\r\n", b"Host: y\r\nX-A: b\r\n")))
        content = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        content += b"0\r\n" + trailers + b"\r\n"
    sent = list(headers)
    if upgrade is not None:
        sent.insert(draw(st.integers(0, len(sent))), (b"uPgrade", upgrade))
    head = b"POST %s HTTP/1.1\r\n" % url + b"".join(b"%s: %s\r\n" % pair for pair in sent)
    return head + b"\r\n" + content, Request(url, headers, body, True)


@given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(0, 600)))
def test_splits_upgrades_and_trailers_change_nothing(
    given_: list[tuple[bytes, Request]], cuts: list[int]
) -> None:
    """A body that is lost or read as a request, or a trailer read as a header, would bypass a
    proxy that reads the same bytes by the standard."""
    sent = b"".join(each for each, _ in given_)
    places = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    pieces = [sent[a:b] for a, b in itertools.pairwise(places)]
    assert parsed(pieces) == [request for _, request in given_]


@pytest.mark.parametrize(
    "sent",
    [
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT /x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
    ],
)
def test_ambiguous_requests_are_refused(sent: bytes) -> None:
    with pytest.raises(httptools.HttpParserError):
        parsed([sent])


def test_ignored_bytes_are_counted() -> None:
    """They bound the memory of a head, a trailer or a chunk extension."""
    parser = RequestParser(Listener())
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    parser.feed(head, 0)
    assert parser.unfinished_bytes == len(head)
    parser.feed(b"\r\n", 0)
    assert parser.unfinished_bytes == 0
    parser.feed(b"0\r\nA: " + b"b" * 1000, 0)
    parser.feed(b"b" * 1000, 0)
    assert parser.unfinished_bytes == 2006
