"""Requests out of a connection's bytes, one message at a time.

httptools by itself takes `Connection: Upgrade` for the end of HTTP on a connection, and gives the
trailers behind a chunked body to whoever takes the headers before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import httptools

_HEAD_END = b"\r\n\r\n"
_VERSIONS = ("1.0", "1.1")  # httptools lets 0.9 and 2.0 pass, which have other rules
_PIECE_BYTES = 4096  # 1.4 ms, where they are chunks of one byte


class Events(Protocol):
    """What is told of each request, in this order; of one that asks for an upgrade, twice as far as
    its headers."""

    def on_message_begin(self) -> None: ...
    def on_url(self, url: bytes) -> None: ...
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_headers_complete(self) -> None: ...
    def on_body(self, body: bytes) -> None: ...
    def on_message_complete(self) -> None: ...


class RequestParser:
    """httptools' parser, to which no request is an upgrade and no trailer a header.

    RFC 9110 lets a server ignore both. Of the requests behind another one in the same bytes it says
    nothing until it is fed again: what a client sends ahead is not kept as requests.

    Attributes:
        in_head: What comes next belongs to a head, or begins one.
        unfinished_bytes: Parsed of a head, or behind a body, of which nothing has been told.
        body_bytes: Those of a Content-Length that are still to come.
    """

    def __init__(self, events: Events) -> None:
        self.unfinished_bytes = 0
        self.in_head = True
        self._events = events
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self.body_bytes = 0
        self._tail = b""  # the last bytes where an empty line may be cut in two

    def feed(self, data: bytes, start: int) -> int:
        """Parse `data` from `start` on, at most as far as one message goes.

        Returns:
            Where it stopped.

        Raises:
            httptools.HttpParserError: This is no HTTP.
        """
        stop = self._stop(data, start)
        piece = data[start:stop]
        self._tail = (self._tail + piece[-3:])[-3:]
        self.unfinished_bytes += len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            stop = start + int(upgrade.args[0])
            self._ignore_upgrade()
        return stop

    def get_method(self) -> bytes:
        return self._parser.get_method()

    def get_http_version(self) -> str:
        return self._parser.get_http_version()

    def should_keep_alive(self) -> bool:
        return self._parser.should_keep_alive()

    def should_upgrade(self) -> bool:
        return False

    def on_message_begin(self) -> None:
        self._url, self._headers, self.in_head = b"", [], True
        self._events.on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._events.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:  # else a trailer, which could pass for what the head was checked for
            self._headers.append((name, value))
            self._events.on_header(name, value)

    def on_headers_complete(self) -> None:
        self.unfinished_bytes = 0
        if self.get_http_version() not in _VERSIONS or self.get_method() == b"CONNECT":
            raise httptools.HttpParserError("This is neither HTTP/1 nor for a server.")
        if self._parser.should_upgrade():
            return
        self.body_bytes = sum(
            int(value) for name, value in self._headers if name.lower() == b"content-length"
        )
        self._events.on_headers_complete()
        self.in_head = False

    def on_body(self, body: bytes) -> None:
        self.body_bytes = max(0, self.body_bytes - len(body))
        self.unfinished_bytes = 0
        self._events.on_body(body)

    def on_message_complete(self) -> None:
        self.in_head, self._tail, self.unfinished_bytes = True, b"", 0
        if not self._parser.should_upgrade():
            self._events.on_message_complete()

    def _ignore_upgrade(self) -> None:
        """Parse the same head again without the header that asks for the upgrade.

        httptools has by now skipped the body, and there is no telling it otherwise.
        """
        head = _head(self.get_method(), self._url, self.get_http_version(), self._headers)
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(head)

    def _stop(self, data: bytes, start: int) -> int:
        """Where the message that is being parsed may end: behind the length that it declared, else
        only behind an empty line. An end that is none costs another piece."""
        if self.body_bytes:
            return min(start + self.body_bytes, len(data))
        cut = (self._tail + data[start : start + 3]).find(_HEAD_END)
        if cut >= 0:
            return start + cut + len(_HEAD_END) - len(self._tail)
        most = min(start + _PIECE_BYTES, len(data))
        found = data.find(_HEAD_END, start, most)
        return most if found < 0 else found + len(_HEAD_END)


def _head(method: bytes, url: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    lines += [b"%s: %s" % pair for pair in headers if pair[0].lower() != b"upgrade"]
    return b"\r\n".join(lines) + _HEAD_END
