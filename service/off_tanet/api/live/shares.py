"""Equal shares of the workers for all clients, although a stream may keep one for long."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from off_tanet.api.live.socket import LiveSocket
from off_tanet.errors import QueueFullError


@dataclass(frozen=True, slots=True, eq=False)
class _Stream:
    client: str
    socket: LiveSocket
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Shares:
    """The streams that have a worker.

    They make room as requests that wait do: the newest stream of the client with the most ends for
    a client that has at least two fewer. Nobody loses the only one.
    """

    def __init__(self) -> None:
        self._streams: list[_Stream] = []  # the newest one is the last

    @contextmanager
    def held(self, client: str, socket: LiveSocket) -> Iterator[None]:
        """Count a stream for its client while it has a worker.

        Args:
            client: Identifies the client.
            socket: The WebSocket of the stream.
        """
        stream = _Stream(client, socket)
        self._streams.append(stream)
        try:
            yield
        finally:
            self._streams.remove(stream)
            stream.over.set()

    async def make_room(self, client: str, within_s: float) -> None:
        """End a stream of another client, if that makes the shares more equal.

        Args:
            client: Identifies the client that needs a worker.
            within_s: Seconds to wait for the end.
        """
        held = Counter(stream.client for stream in self._streams)
        greediest = max(held, key=held.__getitem__, default=client)
        if held[greediest] < held[client] + 2:
            return
        newest = [stream for stream in self._streams if stream.client == greediest][-1]
        newest.socket.refuse(QueueFullError("Other clients' streams went first."))
        with suppress(TimeoutError):
            await asyncio.wait_for(newest.over.wait(), within_s)
