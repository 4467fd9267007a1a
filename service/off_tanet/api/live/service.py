"""What all live streams of the service share: their engine, their limits, and their end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from starlette.types import Scope

from off_tanet.api.live.session import Session
from off_tanet.api.live.shares import Shares
from off_tanet.api.live.socket import LiveSocket
from off_tanet.api.middleware.client_id import ClientOf
from off_tanet.api.middleware.guard import Guard
from off_tanet.api.middleware.request_state import request_state
from off_tanet.errors import (
    DrainingError,
    InvalidRequestError,
    OffTanetError,
    SlowRequestError,
)
from off_tanet.limits import LiveLimits
from off_tanet.schemas.live import ReadyBody, Start
from off_tanet.settings import Settings
from off_tanet.workers.engine import Engine
from off_tanet.workers.jobs import LiveJob, warm_up


class StreamsOffError(OffTanetError):
    """This service has no live streams."""

    status = 404
    code = "streams_off"
    title = "No live streams"


@dataclass(slots=True)
class LiveService:
    """What all live streams of the service share.

    Attributes:
        engine: Has a worker for each stream; None if there are none.
        limits: Limits of each stream.
        ready: What is sent to a client when it has a worker.
        guards: Check the client once its first message is there.
        client_of: Identifies the client.
        pending_bytes: Bytes of events that may wait for a client to read them.
    """

    engine: Engine | None
    limits: LiveLimits
    ready: ReadyBody
    guards: Sequence[Guard]
    client_of: ClientOf
    pending_bytes: int
    _shares: Shares = field(default_factory=Shares)
    _sockets: set[LiveSocket] = field(default_factory=set)
    _stopped: bool = False

    @classmethod
    def of(cls, settings: Settings, client_of: ClientOf, guards: Sequence[Guard]) -> Self:
        """Create it by the settings.

        Args:
            settings: The settings of the service.
            client_of: Identifies the client.
            guards: Check the client.
        """
        limits, configuration = settings.live_limits, settings.configuration
        ready = ReadyBody(
            max_frame_bytes=limits.frame_bytes,
            max_pixels=configuration.media.video_pixels,
            max_seconds=limits.seconds,
            idle_timeout_s=limits.idle_s,
            low_frame_rate=configuration.thresholds.low_frame_rate,
        )
        engine = None
        if settings.stream_workers:
            engine = Engine(configuration, settings.live_engine_limits, (LiveJob,), warm_up)
        return cls(engine, limits, ready, guards, client_of, settings.max_pending_bytes)

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engine, if there is one."""
        return () if self.engine is None else (self.engine,)

    def start(self) -> None:
        """Accept streams; the first one starts the workers."""
        for engine in self.engines:
            engine.start_on_demand()

    async def run(self, scope: Scope, socket: LiveSocket) -> None:
        """Hold the conversation with a client.

        Args:
            scope: The request that opened the WebSocket.
            socket: The accepted WebSocket.

        Raises:
            OffTanetError: The reason for the end, unless the client has ended the stream.
        """
        with self._registered(socket):
            if self.engine is None:
                raise StreamsOffError("This service has no live streams.")
            if scope["query_string"]:
                raise InvalidRequestError("A stream has its options in the first message.")
            late = SlowRequestError(f"No message arrived within {self.limits.start_s:g} s.")
            message = await socket.receive(self.limits.start_s, late)
            if isinstance(message, bytes):
                raise InvalidRequestError("The first message is not a frame, but a text.")
            start = Start.parse(message)
            request_state(scope).message_key = start.key
            for guard in self.guards:
                guard.check(scope)
            session = Session(
                self.engine,
                self.limits,
                self._shares,
                socket,
                scope,
                self.client_of(scope),
                self.pending_bytes,
            )
            await session.run(start.options, self.ready)

    async def stop(self) -> None:
        """End all streams: each client gets what was found so far, and the reason for the end."""
        self._stopped = True
        for socket in self._sockets:
            socket.refuse(_draining())
        for engine in self.engines:
            await engine.stop()

    @contextmanager
    def _registered(self, socket: LiveSocket) -> Iterator[None]:
        if self._stopped:
            socket.refuse(_draining())
        self._sockets.add(socket)
        try:
            yield
        finally:
            self._sockets.discard(socket)


def _draining() -> DrainingError:
    return DrainingError("The service is about to stop.")
