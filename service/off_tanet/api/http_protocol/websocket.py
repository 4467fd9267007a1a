"""The server's WebSocket protocol, with limits on large, slow and unread messages.

uvicorn alone parses whatever has arrived at once, keeps any number of fragments, and waits for ever
for a client that does not read.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, ClassVar, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Close, CloseCode, Frame

from off_tanet.api.http_protocol.writing import (
    SHUTDOWN_TIMEOUT_S,
    Backlog,
    WriteWatch,
)
from off_tanet.limits import ConnectionLimits, SocketLimits

_CLOSE_TIMEOUT_S = 2.0  # for the client's part of the closing handshake, or the rest of a message
_MAX_FRAGMENTS = 64  # of one message; each takes memory even if it is empty
_PIECE_BYTES = 4096  # parsed in 7 ms if they are empty pings
_MAX_PARSING_S = 0.002  # before other connections have their turn

# The library would log the URL, and the application has logged the request.
_SILENT = logging.getLogger("off_tanet.websocket.silent")
_SILENT.setLevel(logging.CRITICAL + 1)


def bounded_socket(
    limits: ConnectionLimits, sockets: SocketLimits, backlog: Backlog
) -> type[asyncio.Protocol]:
    """Return a protocol class for uvicorn that enforces limits.

    A message of more than `first_bytes` before the application's first one, or of more than `bytes`
    after it, closes the connection with 1009. One that is not read for `write_timeout_s` seconds is
    aborted; the application sees a disconnected client.

    Args:
        limits: The limits of all connections.
        sockets: The limits of messages.
        backlog: The unsent bytes of all connections.
    """

    class BoundedSocket(Socket):
        bounds = limits
        messages = sockets
        unsent = backlog

    return BoundedSocket


class Socket(WebSocketsSansIOProtocol):
    """A WebSocket that parses a message only after the application has taken the previous one."""

    bounds: ClassVar[ConnectionLimits]
    messages: ClassVar[SocketLimits]
    unsent: ClassVar[Backlog]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = _SILENT
        self.conn.max_message_size = self.messages.first_bytes
        self.close_timeout = _CLOSE_TIMEOUT_S
        self._ahead = memoryview(b"")
        self._lingering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection of the handshake."""
        super().connection_made(transport)
        made = cast(asyncio.Transport, transport)
        self._write_watch = WriteWatch(made, self.unsent, self.bounds.write_timeout_s)
        if made.get_write_buffer_size():  # of a response before the handshake
            self.pause_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._write_watch.stop()
        self._ahead = memoryview(b"")
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Watch a client that does not read, and read nothing from it meanwhile."""
        super().pause_writing()
        self._write_watch.start()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Stop watching a client that has read everything."""
        super().resume_writing()
        self._write_watch.stop()
        self._parse_ahead()

    def data_received(self, data: bytes) -> None:
        """Parse the data as far as the application can take it."""
        self._ahead = memoryview(bytes(self._ahead) + data)
        self._parse_ahead()

    async def receive(self) -> Any:
        """Return the next message, and parse the one after it."""
        message = await super().receive()
        self._parse_ahead()
        return message

    async def send(self, message: Any) -> None:
        """Send a message; the first one lets the client send larger ones."""
        await self.writable.wait()
        if self.close_sent:  # the client broke the protocol, and the connection is about to be lost
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.accept":
            self._parse_ahead()
        elif message["type"] == "websocket.send":
            self.conn.max_message_size = self.messages.bytes

    def handle_cont(self, event: Frame) -> None:
        """Close a connection whose message has too many fragments."""
        if len(self.frames) < _MAX_FRAGMENTS:
            super().handle_cont(event)
        elif not self.close_sent:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "too many fragments")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Answer, unless the connection was closed by something before it."""
        if not self._lingering:
            super().handle_ping()

    def handle_parser_exception(self) -> None:
        """Tell the application and the client that the connection was closed for a reason.

        What still arrives is first read for a while: closing while data arrives sends a reset,
        which destroys the reason at the client.
        """
        sent = self.conn.close_sent or Close(CloseCode.INTERNAL_ERROR, "")
        code, reason = sent.code, sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self.close_sent = self._lingering = True
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def shutdown(self) -> None:
        """Leave the end to the application, which tells a client that reads it why."""
        self._write_watch.limit_timeout(SHUTDOWN_TIMEOUT_S)
        if not self.handshake_complete:
            super().shutdown()

    def _parse_ahead(self) -> None:
        until = self.loop.time() + _MAX_PARSING_S
        while self._ahead and self._may_parse() and self.loop.time() < until:
            piece, self._ahead = bytes(self._ahead[:_PIECE_BYTES]), self._ahead[_PIECE_BYTES:]
            self._parse(piece)
        if self._lingering or self.transport.is_closing():
            self._ahead = memoryview(b"")
            self.transport.resume_reading()
        elif not self._may_parse():
            self.transport.pause_reading()
        elif self._ahead:
            self.transport.pause_reading()
            self.loop.call_soon(self._parse_ahead)
        else:
            self.transport.resume_reading()

    def _parse(self, piece: bytes) -> None:
        try:
            super().data_received(piece)
        except InvalidState:  # by a text that is not UTF-8, with the client's close behind it
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def _may_parse(self) -> bool:
        if self._lingering or self.transport.is_closing():
            return False
        if self.handshake_initiated and not self.handshake_complete:
            return False  # the library cannot close what is not open
        return not self.read_paused and self.writable.is_set()
