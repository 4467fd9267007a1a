"""Events that wait until their client reads them, in bounded memory."""

from __future__ import annotations

import asyncio
from collections import deque

_MAX_REPLACEABLE_BYTES = 65536


class PendingEvents:
    """Events that have not been sent yet.

    Args:
        max_bytes: Bytes that may wait; more are an overflow, after which no event follows.

    Attributes:
        overflowed: Whether too many have been waiting.
    """

    def __init__(self, max_bytes: int) -> None:
        self.overflowed = False
        self._max_bytes = max_bytes
        self._events: deque[bytes] = deque()
        self._bytes = 0
        self._finished = False
        self._changed = asyncio.Event()

    def put(self, event: bytes) -> None:
        """Add an event."""
        if self._bytes + len(event) > self._max_bytes:
            self.overflowed = True
            self.finish()
        else:
            self._add(event)

    def put_replaceable(self, event: bytes) -> None:
        """Add an event that a later one replaces; drop it while more than a few are waiting."""
        if self._bytes < _MAX_REPLACEABLE_BYTES:
            self._add(event)

    def finish(self) -> None:
        """Note that no further event will come."""
        self._finished = True
        self._changed.set()

    async def next(self) -> bytes | None:
        """Wait for the next event; return None after the last one."""
        while not self._events and not self._finished:
            self._changed.clear()
            await self._changed.wait()
        if not self._events:
            return None
        event = self._events.popleft()
        self._bytes -= len(event)
        return event

    def _add(self, event: bytes) -> None:
        self._events.append(event)
        self._bytes += len(event)
        self._changed.set()
