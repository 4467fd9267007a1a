"""The pieces of a job that goes on while its client sends them."""

from __future__ import annotations

import asyncio


class Feed:
    """Passes the newest piece on to a worker that asks for one.

    A worker that is slower than the client leaves pieces out: those before the newest are dropped,
    so that no more than one waits.

    Args:
        deadline_s: Seconds that the worker may take for each piece.
    """

    def __init__(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self._newest = b""
        self._ended = False
        self._changed = asyncio.Event()

    def put(self, piece: bytes) -> None:
        """Replace the piece that waits, if any; after the end, do nothing.

        Args:
            piece: The new piece, not empty.
        """
        if not self._ended:
            self._newest = piece
            self._changed.set()

    def end(self) -> None:
        """Note that no further piece will come; the one that waits is still passed on."""
        self._ended = True
        self._changed.set()

    async def next(self) -> bytes:
        """Wait for the next piece and return it; return nothing after the last one."""
        while not (self._newest or self._ended):
            self._changed.clear()
            await self._changed.wait()
        piece, self._newest = self._newest, b""
        return piece
