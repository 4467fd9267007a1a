"""The server's HTTP protocol, with limits on idle, slow and disconnected clients.

uvicorn alone keeps such connections for ever: its parser httptools limits neither the size of the
headers nor the wait for them, and nothing limits how long a response may remain unread. (The other
parser, h11, takes half as much again of the server's time per request.)
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from typing import Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from off_tanet.api.http_protocol.half_closed import DisconnectWatch
from off_tanet.api.http_protocol.parsing import RequestParser
from off_tanet.api.http_protocol.responding import ResponseTransport
from off_tanet.api.http_protocol.writing import (
    SHUTDOWN_TIMEOUT_S,
    Backlog,
    WriteWatch,
)
from off_tanet.limits import ConnectionLimits

# Bytes pipelined behind the current request. They are read, because only reading shows that a
# client has left.
_MAX_AHEAD_BYTES = 65536
_MAX_LINGER_BYTES = 1 << 20  # read and discarded of a refused body without a declared length
_MAX_PARSING_S = 0.002  # before other connections have their turn
_TCP_OPTIONS = {
    "TCP_NOTSENT_LOWAT": 16384,  # unsent bytes that the kernel buffers
    "TCP_KEEPIDLE": 15,  # seconds; with these three, hosts that vanish are detected in a minute
    "TCP_KEEPINTVL": 15,
    "TCP_KEEPCNT": 3,
}


def bounded_protocol(
    limits: ConnectionLimits, unsent: Backlog, sockets: Collection[bytes] = ()
) -> type[asyncio.Protocol]:
    """Return a protocol class for uvicorn that enforces `limits`.

    Unfinished headers, or trailers behind a body, of more than `header_bytes` get a bare 400.

    A connection is closed if it sends no complete request headers within `header_timeout_s`
    seconds from its start or from the first byte after a response, and if it continues for that
    long to send a body that was answered before its end. A connection that reads nothing of its
    response for `write_timeout_s` seconds is aborted; the application sees a disconnected client.

    Args:
        limits: The limits.
        unsent: The unsent bytes of all connections.
        sockets: The paths at which WebSockets may be opened.
    """

    class BoundedConnection(Connection):
        bounds = limits
        backlog = unsent
        socket_paths = sockets

    return BoundedConnection


class Connection(HttpToolsProtocol):
    """A connection that parses a request only after the previous one has been answered."""

    bounds: ClassVar[ConnectionLimits]
    backlog: ClassVar[Backlog]
    socket_paths: ClassVar[Collection[bytes]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._requests = RequestParser(self, self.socket_paths)
        self.parser = cast(httptools.HttpRequestParser, self._requests)
        self._ahead = b""
        self._half_closed = False
        self._lingering = False
        self._linger_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None
        self._disconnect_watch: DisconnectWatch | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Configure the connection; close it if there are too many."""
        made = cast(asyncio.Transport, transport)
        super().connection_made(made)
        _set_tcp_options(made.get_extra_info("socket"))
        made.set_write_buffer_limits(0)  # so that `pause_writing` is called for any unsent byte
        self._write_watch = WriteWatch(made, self.backlog, self.bounds.write_timeout_s)
        if len(self.connections) > self.bounds.connections:
            made.close()
        else:
            self._start_header_timer()

    def data_received(self, data: bytes) -> None:
        """Parse requests, or keep the data until the current request is answered."""
        if self._lingering:
            self._linger_bytes -= len(data)
            if self._linger_bytes < 0:
                self.transport.close()
            return
        waiting = self._ahead
        self._ahead += data
        if not waiting:
            self._parse_ahead()
        elif len(self._ahead) > _MAX_AHEAD_BYTES:
            self.transport.pause_reading()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection open until its requests are answered; the client sends no more."""
        self._half_closed = True
        self._close_or_watch()
        return not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._stop_header_timer()
        self._stop_disconnect_watch()
        self._write_watch.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Watch a client that does not read as fast as the application writes."""
        super().pause_writing()
        self._write_watch.start()

    def resume_writing(self) -> None:
        """Stop watching a client that has read everything."""
        super().resume_writing()
        self._write_watch.stop()

    def shutdown(self) -> None:
        """Close the connection after its response, with a short timeout for slow readers."""
        super().shutdown()
        self._write_watch.limit_timeout(SHUTDOWN_TIMEOUT_S)

    def on_headers_complete(self) -> None:
        """Start the request, whose response is sent through a transport of its own."""
        super().on_headers_complete()
        self._response = ResponseTransport(self.transport, self.cycle, self._end)
        self.cycle.transport = self._response

    def on_response_complete(self) -> None:
        """Continue with the next request."""
        super().on_response_complete()
        self._stop_disconnect_watch()
        if self._lingering:
            self._unset_keepalive_if_required()
        else:
            self._continue()

    def send_400_response(self, msg: str) -> None:
        """Answer a malformed request, unless it is the body of one whose response has begun."""
        if self._requests.in_headers or not self.cycle.response_started:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_answering(self) -> bool:
        """Whether a complete request waits for the end of its response."""
        return not self._is_answered() and not self.cycle.more_body

    def _end(self) -> None:
        """Close the connection after this response.

        A body that is still arriving is first read for as long as headers may take: closing while
        data arrives sends a reset, which destroys the response at the client.
        """
        if self._requests.in_headers or self._half_closed or not self.cycle.response_complete:
            self.transport.close()
        else:
            self._lingering = True
            self._linger_bytes = self._requests.body_bytes or _MAX_LINGER_BYTES
            self.transport.write_eof()
            self._start_header_timer()

    def _continue(self) -> None:
        """Parse what had to wait for a response or for other connections."""
        if self.transport.is_closing():
            return
        if self._ahead:
            if not self._half_closed:
                self.transport.resume_reading()
            self._parse_ahead()
        if self._half_closed:
            self._close_or_watch()

    def _parse_ahead(self) -> None:
        data, at, until = self._ahead, 0, self.loop.time() + _MAX_PARSING_S
        while at < len(data) and self._may_parse() and self.loop.time() < until:
            at = self._parse(data, at)
        if self._requests.handshake:
            self._open_socket(self._requests.handshake)
            return
        self._ahead = data[at:]
        if self._ahead and self._may_parse():
            self.loop.call_soon(self._continue)
        if len(self._ahead) > _MAX_AHEAD_BYTES and not self._half_closed:
            self.transport.pause_reading()
        if self._is_answered():
            self._start_header_timer()
        else:
            self._stop_header_timer()

    def _open_socket(self, handshake: bytes) -> None:
        """Hand the connection over to the protocol of WebSockets."""
        self._stop_header_timer()
        self._write_watch.stop()
        self.connections.discard(self)
        protocol: Any = self.ws_protocol_class
        opened = protocol(
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        opened.connection_made(self.transport)
        self.transport.set_protocol(opened)
        opened.data_received(handshake)

    def _may_parse(self) -> bool:
        return not self._is_answering() and not self.transport.is_closing()

    def _close_or_watch(self) -> None:
        if self._is_answering():
            if self._disconnect_watch is None:
                self._disconnect_watch = DisconnectWatch(self.transport, self._response)
        elif not self._ahead:
            self.transport.close()

    def _parse(self, data: bytes, start: int) -> int:
        self._unset_keepalive_if_required()
        try:
            stop = self._requests.feed(data, start)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
            return len(data)
        if self._requests.unfinished_bytes > self.bounds.header_bytes:
            self.send_400_response("The headers of the request are too large.")
        return stop

    def _start_header_timer(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(
                self.bounds.header_timeout_s, self.transport.close
            )

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_disconnect_watch(self) -> None:
        if self._disconnect_watch is not None:
            self._disconnect_watch.stop()
            self._disconnect_watch = None


def _set_tcp_options(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _TCP_OPTIONS.items():
        if hasattr(socket, name):  # not on every platform
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
