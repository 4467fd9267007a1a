"""Answers that their clients do not take: each is waited for a bounded time, in bounded memory."""

from __future__ import annotations

import asyncio
import socket
import struct

_LOOKS = 4  # a period of patience, so that the last of it is a quarter too long at most


class Backlog:
    """Bytes of all answers that lie unsent; too many cost the connection that waits the longest."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._total = 0
        self._waiting: dict[asyncio.Transport, int] = {}

    def add(self, transport: asyncio.Transport) -> None:
        """Count what lies in this transport, which is more than its client takes at once."""
        self._waiting[transport] = transport.get_write_buffer_size()
        self._total += self._waiting[transport]
        while self._total > self._most_bytes and len(self._waiting) > 1:
            longest = next(iter(self._waiting))
            self.remove(longest)
            _reset(longest)

    def remove(self, transport: asyncio.Transport) -> None:
        """Its bytes have left, or will never leave."""
        self._total -= self._waiting.pop(transport, 0)


class WriteWatch:
    """Aborts a connection whose client takes none of its answer for `patience_s` seconds.

    What it takes shows in the transport's buffer: the kernel is told (`TCP_NOTSENT_LOWAT`) to hold
    little that is not yet on its way, else it would take steps of a megabyte.
    """

    def __init__(self, transport: asyncio.Transport, backlog: Backlog, patience_s: float) -> None:
        self._transport = transport
        self._backlog = backlog
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._left_bytes, self._moved_at = 0, 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Something lies in the transport's buffer."""
        self._left_bytes = self._transport.get_write_buffer_size()
        self._moved_at = self._loop.time()
        self._look_later()
        self._backlog.add(self._transport)

    def stop(self) -> None:
        """The buffer is empty, or the connection gone."""
        self._backlog.remove(self._transport)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hurry(self, patience_s: float) -> None:
        """Be no more patient than this from now on."""
        self._patience_s = min(self._patience_s, patience_s)
        if self._timer is not None:
            self._timer.cancel()
            self._look()

    def _look_later(self) -> None:
        self._timer = self._loop.call_later(self._patience_s / _LOOKS, self._look)

    def _look(self) -> None:
        left_bytes, now = self._transport.get_write_buffer_size(), self._loop.time()
        if left_bytes < self._left_bytes:
            self._left_bytes, self._moved_at = left_bytes, now
        if now - self._moved_at < self._patience_s:
            self._look_later()
        else:
            _reset(self._transport)


def _reset(transport: asyncio.Transport) -> None:
    """Abort, and let the kernel drop what it holds: it would offer that for minutes more."""
    connected: socket.socket = transport.get_extra_info("socket")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
