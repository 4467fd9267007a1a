"""Responses that clients do not read: limits on the time and the memory that they take."""

from __future__ import annotations

import asyncio
import socket
import struct

SHUTDOWN_TIMEOUT_S = 2.0  # for clients that read nothing while the server is shutting down
_CHECKS_PER_TIMEOUT = 4  # a connection is aborted at most a quarter of the timeout too late


class Backlog:
    """Unsent bytes of all responses.

    If there are too many, the connection that has been waiting the longest is aborted.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._total = 0
        self._waiting: dict[asyncio.Transport, int] = {}

    def add(self, transport: asyncio.Transport) -> None:
        """Count the bytes in the write buffer of a transport whose client has stopped reading."""
        self._waiting[transport] = transport.get_write_buffer_size()
        self._total += self._waiting[transport]
        while self._total > self._max_bytes and len(self._waiting) > 1:
            longest = next(iter(self._waiting))
            self.remove(longest)
            _reset(longest)

    def remove(self, transport: asyncio.Transport) -> None:
        """Stop counting a transport, whose bytes were sent or discarded."""
        self._total -= self._waiting.pop(transport, 0)


class WriteWatch:
    """Aborts a connection whose client reads nothing of its response for `timeout_s` seconds.

    Progress shows in the transport's buffer, because the kernel is configured
    (`TCP_NOTSENT_LOWAT`) to buffer few unsent bytes; by default it would take a megabyte at a time.
    """

    def __init__(self, transport: asyncio.Transport, backlog: Backlog, timeout_s: float) -> None:
        self._transport = transport
        self._backlog = backlog
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._unsent_bytes, self._progress_at = 0, 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start watching, because the transport's buffer contains data."""
        self._unsent_bytes = self._transport.get_write_buffer_size()
        self._progress_at = self._loop.time()
        self._schedule_check()
        self._backlog.add(self._transport)

    def stop(self) -> None:
        """Stop watching, because the buffer is empty or the connection is lost."""
        self._backlog.remove(self._transport)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def limit_timeout(self, timeout_s: float) -> None:
        """Reduce the timeout to at most `timeout_s` seconds."""
        self._timeout_s = min(self._timeout_s, timeout_s)
        if self._timer is not None:
            self._timer.cancel()
            self._check()

    def _schedule_check(self) -> None:
        self._timer = self._loop.call_later(self._timeout_s / _CHECKS_PER_TIMEOUT, self._check)

    def _check(self) -> None:
        unsent_bytes, now = self._transport.get_write_buffer_size(), self._loop.time()
        if unsent_bytes < self._unsent_bytes:
            self._unsent_bytes, self._progress_at = unsent_bytes, now
        if now - self._progress_at < self._timeout_s:
            self._schedule_check()
        else:
            _reset(self._transport)


def _reset(transport: asyncio.Transport) -> None:
    """Abort the connection and discard the kernel's buffer, which it would retry for minutes."""
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
