"""Connections that hold a place, or memory, and ask nothing.

The server by itself would keep them for ever: its parser (httptools; the other one, h11, takes half
as much again of the server's time for each request) bounds neither a head nor a wait for it.
"""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def bounded(head_s: float, head_bytes: int, connections: int) -> type[asyncio.Protocol]:
    """The server's HTTP protocol, for at most `connections` at once.

    More than `head_bytes` of what is not yet a head, or of trailers behind a body, get a bare 400.

    One that sends no whole request head within `head_s` seconds, from its beginning or from the
    first byte after an answer, is closed. So is one that goes on for so long with a body that was
    answered before its end.
    """

    class Bounded(HttpToolsProtocol):
        _unfinished_bytes = 0
        _patience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(cast(asyncio.Transport, transport))
            if len(self.connections) > connections:
                transport.close()
            else:
                self._expect_head()

        def data_received(self, data: bytes) -> None:
            self._unfinished_bytes += len(data)
            super().data_received(data)
            if self._unfinished_bytes > head_bytes:
                self.send_400_response("The head of the request is too large.")
            if self.cycle is None or self.cycle.response_complete:
                self._expect_head()
            else:
                self._head_came()

        def on_headers_complete(self) -> None:
            self._unfinished_bytes = 0
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self._unfinished_bytes = 0
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._unfinished_bytes = 0
            super().on_message_complete()

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
