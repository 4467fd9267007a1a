"""Clients that have closed their side: those that wait for their answer, and those that have left.

Both send the same FIN. But a socket that was closed answers the next byte with a reset, where one
that was only shut for writing takes it. So the answer is begun early, a byte at a time, with what
any answer begins with: the start of a status line or, between two chunks of a stream, a leading
zero of the next one's size (RFC 9112, sections 4 and 7.1). It is the same answer, but for its pace.
"""

from __future__ import annotations

import asyncio
import socket

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_LOOK_S = 0.25
_STATUS_LINE = b"HTTP/1.1 "
_ZEROS = b"0" * 8  # some parsers take no size of more than 16 digits


class EarlyTransport(asyncio.Transport):
    """A transport for one answer, whose next bytes may have been sent before they are asked for."""

    def __init__(self, transport: asyncio.Transport, cycle: RequestResponseCycle) -> None:
        super().__init__()
        self._transport = transport
        self._cycle = cycle
        self._sent = self._repeated = 0

    def send_early(self) -> None:
        """Send one byte of what comes next, where that is known and nothing else is on its way."""
        if self._transport.get_write_buffer_size():
            return
        if not self._cycle.response_started:
            known = _STATUS_LINE[self._sent :][:1]
            self._repeated += len(known)
        else:
            known = _ZEROS[self._sent :][:1] if self._cycle.chunked_encoding else b""
        self._sent += len(known)
        self._transport.write(known)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data:
            self._transport.write(data[self._repeated :])
            self._sent = self._repeated = 0

    def close(self) -> None:
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class LeavingWatch:
    """Aborts the connection of a client that has left, while its request is answered.

    It looks every quarter of a second, and sends a byte ever more seldom: nine reach a minute.
    Those that leave later are found out by the kernel's keep-alive probes, when their own kernel
    has forgotten them.
    """

    def __init__(self, transport: asyncio.Transport, cycle: RequestResponseCycle) -> None:
        self._transport = transport
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._early = cycle.transport = EarlyTransport(transport, cycle)
        self._looks = 0
        self._look()

    def stop(self) -> None:
        """The request is answered, or the connection gone."""
        self._timer.cancel()

    def _look(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_LOOK_S, self._look)
        self._looks += 1
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._transport.abort()
        elif self._looks.bit_count() == 1:  # 1, 2, 4, 8, ...
            self._early.send_early()
