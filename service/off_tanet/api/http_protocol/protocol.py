"""Connections as the server keeps them: none that asks nothing, takes nothing or has left.

The server by itself would keep them for ever: its parser (httptools; the other one, h11, takes half
as much again of the server's time for each request) bounds neither a head nor a wait for it, and
nothing bounds how long an answer may lie unread.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from off_tanet.api.http_protocol.answering import AnswerTransport
from off_tanet.api.http_protocol.half_closed import LeavingWatch
from off_tanet.api.http_protocol.parsing import RequestParser
from off_tanet.api.http_protocol.writing import Backlog, WriteWatch
from off_tanet.limits import ConnectionLimits

_STOPPING_S = 2.0  # of patience with a client that takes nothing, once the server is to end
_AHEAD_BYTES = 65536  # of requests behind the one that is answered; that a client leaves shows only
# while its bytes are read
_LINGER_BYTES = 1 << 20  # read of a refused body without a declared length
_TURN_S = 0.002  # of parsing, before other connections have theirs
_TCP = {
    "TCP_NOTSENT_LOWAT": 16384,  # bytes in the kernel that are not on their way
    "TCP_KEEPIDLE": 15,  # seconds; clients whose host has vanished are found out in a minute
    "TCP_KEEPINTVL": 15,
    "TCP_KEEPCNT": 3,
}


def bounded(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """The server's HTTP protocol, within these limits.

    More than `head_bytes` of what is not yet a head, or of trailers behind a body, get a bare 400.

    A connection that sends no whole request head within `header_timeout_s` seconds, from its
    beginning or from the first byte after an answer, is closed. So is one that goes on for so long
    with a body that was answered before its end. One that takes nothing of its answer for
    `write_timeout_s` seconds is aborted: to the application its client has left.
    """

    class Bounded(Connection):
        bounds = limits
        backlog = Backlog(limits.unsent_bytes)

    return Bounded


class Connection(HttpToolsProtocol):
    """A connection whose requests are parsed one by one, each when the one before is answered."""

    bounds: ClassVar[ConnectionLimits]
    backlog: ClassVar[Backlog]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._requests = RequestParser(self)
        self.parser = cast(httptools.HttpRequestParser, self._requests)
        self._ahead = b""
        self._half_closed = False
        self._lingering = False
        self._linger_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._leaving: LeavingWatch | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        made = cast(asyncio.Transport, transport)
        super().connection_made(made)
        _tune(made.get_extra_info("socket"))
        made.set_write_buffer_limits(0)  # so that all that is not sent at once is told of
        self._writes = WriteWatch(made, self.backlog, self.bounds.write_timeout_s)
        if len(self.connections) > self.bounds.connections:
            made.close()
        else:
            self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            self._linger_bytes -= len(data)
            if self._linger_bytes < 0:
                self.transport.close()
            return
        waiting = self._ahead
        self._ahead += data
        if not waiting:
            self._parse_ahead()
        elif len(self._ahead) > _AHEAD_BYTES:
            self.transport.pause_reading()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more. Whether the connection stays: until it has its answers."""
        self._half_closed = True
        self._close_or_watch()
        return not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._stop_leaving()
        self._writes.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writes.start()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._writes.stop()

    def shutdown(self) -> None:
        super().shutdown()
        self._writes.hurry(_STOPPING_S)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._answer = AnswerTransport(self.transport, self.cycle, self._end)
        self.cycle.transport = self._answer

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stop_leaving()
        if self._lingering:
            self._unset_keepalive_if_required()
        else:
            self._go_on()

    def send_400_response(self, msg: str) -> None:
        if self._requests.in_head or not self.cycle.response_started:
            super().send_400_response(msg)
        else:  # it is the body of a request whose answer has begun: it has no other
            self.transport.close()

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_answering(self) -> bool:
        """Whether a whole request waits for the end of its answer."""
        return not self._is_answered() and not self.cycle.more_body

    def _end(self) -> None:
        """Close with this answer; but a body that still comes is read for as long as a head may
        take: a close while it does is a reset, and that takes the answer from its client."""
        if self._requests.in_head or self._half_closed or not self.cycle.response_complete:
            self.transport.close()
        else:
            self._lingering = True
            self._linger_bytes = self._requests.body_bytes or _LINGER_BYTES
            self.transport.write_eof()
            self._expect_head()

    def _go_on(self) -> None:
        """Parse what had to wait: for an answer, or while others had their turn."""
        if self.transport.is_closing():
            return
        if self._ahead:
            if not self._half_closed:
                self.transport.resume_reading()
            self._parse_ahead()
        if self._half_closed:
            self._close_or_watch()

    def _parse_ahead(self) -> None:
        data, at, until = self._ahead, 0, self.loop.time() + _TURN_S
        while at < len(data) and self._is_parsing() and self.loop.time() < until:
            at = self._parse(data, at)
        self._ahead = data[at:]
        if self._ahead and self._is_parsing():
            self.loop.call_soon(self._go_on)
        if len(self._ahead) > _AHEAD_BYTES and not self._half_closed:
            self.transport.pause_reading()
        if self._is_answered():
            self._expect_head()
        else:
            self._head_came()

    def _is_parsing(self) -> bool:
        return not self._is_answering() and not self.transport.is_closing()

    def _close_or_watch(self) -> None:
        if self._is_answering():
            if self._leaving is None:
                self._leaving = LeavingWatch(self.transport, self._answer)
        elif not self._ahead:
            self.transport.close()

    def _parse(self, data: bytes, start: int) -> int:
        self._unset_keepalive_if_required()
        try:
            stop = self._requests.feed(data, start)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
            return len(data)
        if self._requests.unfinished_bytes > self.bounds.head_bytes:
            self.send_400_response("The head of the request is too large.")
        return stop

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(
                self.bounds.header_timeout_s, self.transport.close
            )

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_leaving(self) -> None:
        if self._leaving is not None:
            self._leaving.stop()
            self._leaving = None


def _tune(connected: socket.socket) -> None:
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _TCP.items():
        if hasattr(socket, name):  # not everywhere
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
