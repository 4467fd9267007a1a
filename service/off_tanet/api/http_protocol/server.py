"""The HTTP server, which drains the application before it closes connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn


class DrainingServer(uvicorn.Server):
    """Starts to drain the application as soon as the server is asked to stop.

    uvicorn would first wait for the connections, or close them, and notify the application only
    then: new work would be refused too late, and running work would be cut off without a response.
    Signals are handled by the caller, who calls `stop`.
    """

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain

    def stop(self) -> None:
        """Ask the server to stop; a signal handler may call this."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the handling of signals to the caller."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain the application while the connections are completed or closed."""
        draining = asyncio.ensure_future(self._drain())
        await super().shutdown(sockets)
        await draining
