"""Detection of clients that have left, among those that have closed their side of the connection.

A client that has only finished sending and one that has left both send the same FIN. But a closed
socket answers the next byte with a reset, whereas one that was only shut down for writing accepts
it. Therefore the response is started early, one byte at a time; only its timing changes.
"""

from __future__ import annotations

import asyncio
import socket

from off_tanet.api.http_protocol.responding import ResponseTransport

_INTERVAL_S = 0.25


class DisconnectWatch:
    """Aborts the connection of a client that leaves while its request is being processed.

    It checks the socket every quarter of a second, and sends a byte after 1, 2, 4, 8, ... checks:
    nine bytes in the first minute. Clients that leave later are detected by the kernel's keep-alive
    probes, once their own kernel has forgotten the connection.
    """

    def __init__(self, transport: asyncio.Transport, response: ResponseTransport) -> None:
        self._transport = transport
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._response = response
        self._checks = 0
        self._check()

    def stop(self) -> None:
        """Stop watching, because the request is answered or the connection is lost."""
        self._timer.cancel()

    def _check(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_INTERVAL_S, self._check)
        self._checks += 1
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._transport.abort()
        elif self._checks.bit_count() == 1:  # 1, 2, 4, 8, ...
            self._response.send_early()
