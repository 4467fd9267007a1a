"""Clients that have closed their side: those that wait for their answer, and those that have left.

Both send the same FIN. But a socket that was closed answers the next byte with a reset, where one
that was only shut for writing takes it. So the answer is begun early, a byte at a time: it is the
same answer, but for its pace.
"""

from __future__ import annotations

import asyncio
import socket

from off_tanet.api.http_protocol.answering import AnswerTransport

_LOOK_S = 0.25


class LeavingWatch:
    """Aborts the connection of a client that has left, while its request is answered.

    It looks every quarter of a second, and sends a byte ever more seldom: nine reach a minute.
    Those that leave later are found out by the kernel's keep-alive probes, when their own kernel
    has forgotten them.
    """

    def __init__(self, transport: asyncio.Transport, answer: AnswerTransport) -> None:
        self._transport = transport
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._answer = answer
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
            self._answer.send_early()
