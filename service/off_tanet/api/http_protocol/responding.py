"""Transport of a response, which can send its first bytes before the response is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_STATUS_LINE = b"HTTP/1.1 "
_ZEROS = b"0" * 8  # some parsers accept no chunk size of more than 16 digits


class ResponseTransport(asyncio.Transport):
    """A wrapper of a connection's transport for the duration of one response.

    The head of a response is sent with the beginning of its body, if that follows at once: the
    connection sends whatever it is given in a packet of its own.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        cycle: RequestResponseCycle,
        on_close: Callable[[], None],
    ) -> None:
        """Wrap a transport.

        Args:
            transport: The transport of the connection.
            cycle: The request and its response.
            on_close: Called when the connection is to be closed after this response.
        """
        super().__init__()
        self._transport = transport
        self._cycle = cycle
        self._on_close = on_close
        self._sent = self._repeated = 0
        self._begun = False
        self._head = b""  # while it waits for the body

    def send_early(self) -> None:
        """Send one byte of what must come next, if that is known and nothing else is unsent.

        Every response begins with the same start of a status line. Between two chunks of a stream
        the next byte is the first digit of a chunk size, which may have leading zeros (RFC 9112,
        sections 4 and 7.1).
        """
        if self._head or self._transport.get_write_buffer_size():
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
        if not data:
            return
        rest = bytes(data[self._repeated :])
        self._sent = self._repeated = 0
        if not self._begun:
            self._begun = True
            self._head = rest
            asyncio.get_running_loop().call_soon(self._send_head)
        elif self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, rest))
        else:
            self._transport.write(rest)

    def close(self) -> None:
        """Close the connection after what has been written."""
        self._send_head()
        self._on_close()

    def is_closing(self) -> bool:
        """Whether the connection is closing or closed."""
        return self._transport.is_closing()

    def _send_head(self) -> None:
        """Send the head alone, because no body has followed."""
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)
