"""Connections that hold a place and ask nothing, which the server by itself would keep for ever."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol


def bounded(head_s: float, connections: int) -> type[asyncio.Protocol]:
    """The server's HTTP protocol, for at most `connections` at once.

    One that sends no whole request head within `head_s` seconds, from its beginning or from the
    first byte after an answer, is closed. So is one that goes on for so long with a body that was
    answered before its end.
    """

    class Bounded(H11Protocol):
        _patience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(cast(asyncio.Transport, transport))
            if len(self.connections) > connections:
                transport.close()
            else:
                self._expect_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is None or self.cycle.response_complete:
                self._expect_head()
            else:
                self._head_came()

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_came()
            super().connection_lost(exc)

        def _expect_head(self) -> None:
            if self._patience is None:
                self._patience = self.loop.call_later(head_s, self.transport.close)

        def _head_came(self) -> None:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None

    return Bounded
