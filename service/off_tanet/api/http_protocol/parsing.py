"""Parsing of requests from the bytes of a connection, one message at a time.

httptools alone treats `Connection: Upgrade` as the end of HTTP on a connection, and passes the
trailers of a chunked body to the same callback as the headers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import httptools

from off_tanet.api.http_protocol.handshake import is_handshake

_HEADERS_END = b"\r\n\r\n"
_VERSIONS = ("1.0", "1.1")  # httptools also accepts 0.9 and 2.0, which have other rules
_PIECE_BYTES = 4096  # parsed in 1.4 ms if they are chunks of one byte


class Events(Protocol):
    """The callbacks for each request, in this order.

    For a request that asks for an upgrade, those up to `on_header` are called twice.
    """

    def on_message_begin(self) -> None:
        """A request begins."""

    def on_url(self, url: bytes) -> None:
        """A part of the URL was parsed."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header was parsed."""

    def on_headers_complete(self) -> None:
        """All headers were parsed."""

    def on_body(self, body: bytes) -> None:
        """A part of the body was parsed."""

    def on_message_complete(self) -> None:
        """The request is complete."""


class RequestParser:
    """Wraps httptools' parser, but ignores trailers, and upgrades to anything but a WebSocket.

    RFC 9110 allows a server to ignore both. A WebSocket is opened only at `sockets`, and only if
    nothing follows the request in the same bytes.

    A request that follows another one in the same bytes is parsed only when `feed` is called again,
    so that pipelined requests are not kept in memory as parsed requests.

    Attributes:
        in_headers: Whether the next byte belongs to the request line or the headers of a request.
        unfinished_bytes: Bytes of a request line and headers, or of trailers, that have been parsed
            but not passed on.
        body_bytes: Bytes of the body that are still expected by its Content-Length.
        handshake: The request that opens a WebSocket, after which no HTTP follows.
    """

    def __init__(self, events: Events, sockets: Collection[bytes] = ()) -> None:
        """Create a parser.

        Args:
            events: The callbacks.
            sockets: The paths at which WebSockets may be opened.
        """
        self._sockets = sockets
        self.handshake = b""
        self.unfinished_bytes = 0
        self.in_headers = True
        self._events = events
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self.body_bytes = 0
        self._tail = b""  # the last bytes, in which an empty line may have begun

    def feed(self, data: bytes, start: int) -> int:
        """Parse `data` from `start` to the end of one message at most.

        Args:
            data: Bytes of the connection.
            start: Index of the first byte that has not been parsed.

        Returns:
            The index of the first byte that was not parsed.

        Raises:
            httptools.HttpParserError: The data is not HTTP/1.
        """
        stop = self._stop(data, start)
        piece = data[start:stop]
        self._tail = (self._tail + piece[-3:])[-3:]
        self.unfinished_bytes += len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            stop = start + int(upgrade.args[0])
            if stop == len(data) and self._opens_socket():
                # uvicorn passes the names on as they are, and ASGI wants them in lower case.
                self.handshake = self._head([(name.lower(), text) for name, text in self._headers])
            else:
                self._ignore_upgrade()
        return stop

    def get_method(self) -> bytes:
        """Return the method of the current request."""
        return self._parser.get_method()

    def get_http_version(self) -> str:
        """Return the HTTP version of the current request."""
        return self._parser.get_http_version()

    def should_keep_alive(self) -> bool:
        """Whether the connection may stay open after the response."""
        return self._parser.should_keep_alive()

    def should_upgrade(self) -> bool:
        """Whether the connection is to change its protocol: never."""
        return False

    def on_message_begin(self) -> None:
        """Pass on the start of a request."""
        self._url, self._headers, self.in_headers = b"", [], True
        self._events.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Pass on a part of the URL."""
        self._url += url
        self._events.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Pass on a header; drop a trailer, which could replace a header that was checked."""
        if self.in_headers:
            self._headers.append((name, value))
            self._events.on_header(name, value)

    def on_headers_complete(self) -> None:
        """Pass on the end of the headers, unless they will be parsed again without the upgrade."""
        self.unfinished_bytes = 0
        if self.get_http_version() not in _VERSIONS or self.get_method() == b"CONNECT":
            raise httptools.HttpParserError("This is not HTTP/1, or a request to a proxy.")
        if self._parser.should_upgrade():
            return
        self.body_bytes = sum(
            int(value) for name, value in self._headers if name.lower() == b"content-length"
        )
        self._events.on_headers_complete()
        self.in_headers = False

    def on_body(self, body: bytes) -> None:
        """Pass on a part of the body."""
        self.body_bytes = max(0, self.body_bytes - len(body))
        self.unfinished_bytes = 0
        self._events.on_body(body)

    def on_message_complete(self) -> None:
        """Pass on the end of the request."""
        self.in_headers, self._tail, self.unfinished_bytes = True, b"", 0
        if not self._parser.should_upgrade():
            self._events.on_message_complete()

    def _ignore_upgrade(self) -> None:
        """Parse the same headers again without the one that asks for the upgrade.

        httptools has skipped the body by now, and cannot be made to parse it.
        """
        head = self._head([pair for pair in self._headers if pair[0].lower() != b"upgrade"])
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(head)

    def _opens_socket(self) -> bool:
        return self._url.partition(b"?")[0] in self._sockets and is_handshake(
            self.get_method(), self.get_http_version(), self._url, self._headers
        )

    def _head(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        version = self.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.get_method(), self._url, version)]
        lines += [b"%s: %s" % pair for pair in headers]
        return b"\r\n".join(lines) + _HEADERS_END

    def _stop(self, data: bytes, start: int) -> int:
        """Return an index at or before the end of the current message.

        The message may end after its declared length, or else only after an empty line. If it does
        not end there, `feed` is called once more.
        """
        if self.body_bytes:
            return min(start + self.body_bytes, len(data))
        cut = (self._tail + data[start : start + 3]).find(_HEADERS_END)
        if cut >= 0:
            return start + cut + len(_HEADERS_END) - len(self._tail)
        most = min(start + _PIECE_BYTES, len(data))
        found = data.find(_HEADERS_END, start, most)
        return most if found < 0 else found + len(_HEADERS_END)
