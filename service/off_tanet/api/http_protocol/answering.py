"""How an answer leaves: some bytes of it before it is there, and all of it before the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_STATUS_LINE = b"HTTP/1.1 "
_ZEROS = b"0" * 8  # some parsers take no size of more than 16 digits


class AnswerTransport(asyncio.Transport):
    """A connection's transport as one answer sees it.

    Attributes:
        close: Called where the connection is to end with this answer.
    """

    def __init__(
        self, transport: asyncio.Transport, cycle: RequestResponseCycle, close: Callable[[], None]
    ) -> None:
        super().__init__()
        self.close = close  # type: ignore[method-assign]
        self._transport = transport
        self._cycle = cycle
        self._sent = self._repeated = 0

    def send_early(self) -> None:
        """Send one byte of what comes next, where that is known and nothing else is on its way.

        Whatever the answer, it begins with the start of a status line. Between two chunks of a
        stream it goes on with the next one's size, which may have zeros before it (RFC 9112,
        sections 4 and 7.1).
        """
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

    def is_closing(self) -> bool:
        return self._transport.is_closing()
