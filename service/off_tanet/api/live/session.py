"""The conversation of one live stream with a client that is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from starlette.types import Scope

from off_tanet.api.live.shares import Shares
from off_tanet.api.live.socket import LiveSocket, event
from off_tanet.api.middleware.instrumentation import record_stages, record_wait
from off_tanet.api.pending_events import PendingEvents
from off_tanet.errors import (
    InvalidRequestError,
    LimitExceededError,
    QueueFullError,
    SlowReaderError,
    SlowRequestError,
)
from off_tanet.limits import LiveLimits
from off_tanet.schemas.live import EncodedFrame, ReadyBody, check_end
from off_tanet.schemas.options import Query
from off_tanet.workers.answer_types import Answer
from off_tanet.workers.engine import Engine
from off_tanet.workers.feed import Feed
from off_tanet.workers.jobs import LiveJob
from off_tanet.workers.messages import PartialResult


class Session:
    """A stream whose client is known.

    Reading and working go on at the same time. Whatever ends the reading ends the stream, and the
    worker is done with the frames so far before the client gets the reason.

    Args:
        engine: Has the workers.
        limits: The limits of the stream.
        shares: The streams that have a worker.
        socket: The WebSocket.
        scope: The request that opened it.
        client: Identifies the client.
        pending_bytes: Bytes of events that may wait for the client to read them.
    """

    def __init__(
        self,
        engine: Engine,
        limits: LiveLimits,
        shares: Shares,
        socket: LiveSocket,
        scope: Scope,
        client: str,
        pending_bytes: int,
    ) -> None:
        self._engine, self._limits, self._shares = engine, limits, shares
        self._socket, self._scope, self._client = socket, scope, client
        self._feed = Feed(engine.limits.deadline_s)
        self._pending = PendingEvents(pending_bytes)

    async def run(self, options: Query, ready: ReadyBody) -> None:
        """Hold the conversation.

        Args:
            options: The options of the stream.
            ready: What is sent to the client when it has a worker.

        Raises:
            OffTanetError: The reason for the end, unless the client has ended the stream.
        """
        reading = asyncio.create_task(self._read())
        work = asyncio.create_task(self._work(options, ready))
        for task, end in ((reading, self._feed.end), (work, self._pending.finish)):
            task.add_done_callback(partial(_ended, end))
        try:
            while (waiting := await self._pending.next()) is not None:
                await self._socket.send(waiting)
            if self._pending.overflowed:
                raise SlowReaderError("Events were not read in time.")
            reason = _reason(reading)
            answer = _answer(work, reason)
            record_stages(self._scope, answer.stages_ms)
            await self._socket.send(event("spotting", answer.json.decode()))
            if reason is not None:
                raise reason
        finally:
            reading.cancel()
            work.cancel()

    async def _work(self, options: Query, ready: ReadyBody) -> Answer:
        """Let a worker find the expressions in the frames that it is fed with."""
        share = ExitStack()

        def begin(waited_s: float) -> None:
            share.enter_context(self._shares.held(self._client, self._socket))
            record_wait(self._scope, waited_s)
            self._pending.put(event("ready", ready.model_dump_json()))

        try:
            await self._wait_for_place()
            with share:
                return await self._engine.run(
                    LiveJob(options),
                    client=self._client,
                    waited=begin,
                    on_partial=self._report,
                    feed=self._feed,
                )
        except QueueFullError:
            raise QueueFullError("The service follows no more live streams now.") from None

    async def _wait_for_place(self) -> None:
        """Give a stream that has just ended, of a page that is reloaded, time to make room."""
        if self._is_refused():
            await asyncio.sleep(self._limits.refusal_delay_s)
        if self._is_refused():
            await self._shares.make_room(self._client, self._engine.limits.deadline_s)

    def _is_refused(self) -> bool:
        try:
            self._engine.check_admission(self._client)
        except QueueFullError:
            return True
        return False

    def _report(self, result: PartialResult) -> None:
        message = event(result.kind, result.json)
        if result.kind == "frame":
            self._pending.put_replaceable(message)
        else:
            self._pending.put(message)

    async def _read(self) -> None:
        """Pass frames on until the client ends the stream.

        Raises:
            OffTanetError: The reason for another end.
        """
        limits, clock = self._limits, asyncio.get_running_loop().time
        ends_at, index, latest_s = clock() + limits.seconds, 0, -1.0
        # The first frame may follow as late as a worker is ready.
        idle_s = limits.idle_s + self._engine.limits.deadline_s
        while True:
            left_s = ends_at - clock()
            late = self._too_long() if left_s < idle_s else self._idle(idle_s)
            message = await self._socket.receive(min(idle_s, left_s), late)
            if isinstance(message, str):
                return check_end(message)
            frame = EncodedFrame.of_message(index, message)
            self._check(frame, latest_s)
            self._feed.put(frame.pack())
            index, latest_s, idle_s = index + 1, frame.time_s, limits.idle_s

    def _check(self, frame: EncodedFrame, latest_s: float) -> None:
        limits = self._limits
        if len(frame.picture) > limits.frame_bytes:
            detail = f"The picture has more than {limits.frame_bytes} bytes."
            raise LimitExceededError(detail, "stream_frame_bytes")
        if frame.time_s > limits.seconds:
            raise self._too_long()
        if frame.time_s <= latest_s:
            raise InvalidRequestError("The time of a frame is not later than that before.")

    def _too_long(self) -> LimitExceededError:
        seconds = self._limits.seconds
        return LimitExceededError(f"The stream is longer than {seconds:g} s.", "stream_seconds")

    def _idle(self, seconds: float) -> SlowRequestError:
        return SlowRequestError(f"No frame arrived within {seconds:g} s.")


def _ended(then: Callable[[], None], task: asyncio.Task[Any]) -> None:
    """Go on after a task; its exception is not logged by the event loop."""
    if not task.cancelled():
        task.exception()
    then()


def _reason(reading: asyncio.Task[None]) -> BaseException | None:
    """Why the reading has ended; None if the client has ended it, or if it goes on."""
    return reading.exception() if reading.done() and not reading.cancelled() else None


def _answer(work: asyncio.Task[Answer], reason: BaseException | None) -> Answer:
    """Return the answer of completed work; of two failures, the first one is raised."""
    failure = work.exception()
    if failure is not None:
        raise reason or failure
    return work.result()
