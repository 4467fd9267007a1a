"""Transport of a response, which can send its first bytes before the response is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_STATUS_LINE = b"HTTP/1.1 "
_ZEROS = b"0" * 8  # some parsers accept no chunk size of more than 16 digits


class ResponseTransport(asyncio.Transport):
    """A wrapper of a connection's transport for the duration of one response.

    Attributes:
        close: Called when the connection is to be closed after this response.
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
        """Send one byte of what must come next, if that is known and nothing else is unsent.

        Every response begins with the same start of a status line. Between two chunks of a stream
        the next byte is the first digit of a chunk size, which may have leading zeros (RFC 9112,
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
        """Send `data` without the bytes of the status line that were already sent."""
        if data:
            self._transport.write(data[self._repeated :])
            self._sent = self._repeated = 0

    def is_closing(self) -> bool:
        """Whether the connection is closing or closed."""
        return self._transport.is_closing()
