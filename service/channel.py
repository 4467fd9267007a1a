"""The server's end of the socket that it shares with one worker process.

A protocol of asyncio and no stream: what a worker says out of turn, and its end, are noticed when
they happen and not when somebody reads next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from service.messages import (
    REPLY,
    Failure,
    Message,
    MessageError,
    PartialResult,
    Result,
    Step,
    decoder,
)

_MESSAGES = decoder((Step, PartialResult, Result, Failure))


class Channel(asyncio.Protocol):
    """Sends a worker one request at a time and receives the messages that answer it.

    The channel is `lost`, for good, when the socket closes, and when the worker writes anything but
    messages of the request that it was asked: then it is `broken`, too. `on_lost` is called once.
    """

    def __init__(self, max_message_bytes: int, on_lost: Callable[[], None]) -> None:
        self.lost = self.broken = False
        self._max_message_bytes = max_message_bytes
        self._on_lost = on_lost
        self._received = bytearray()
        self._number: int | None = None  # of the request that is not answered yet
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def idle(self) -> bool:
        """Whether the worker's own final message was the last thing that it said."""
        return not self.lost and self._number is None

    def expect(self, number: int) -> None:
        """Take messages with this number from now on, up to the final one."""
        self._number = number

    async def send(self, pieces: Iterable[bytes]) -> None:
        """Write the pieces, each as soon as those before it have mostly gone."""
        for piece in pieces:
            if self.lost:
                return  # `receive` says so
            self._transport.write(piece)
            await self._writable.wait()

    async def receive(self) -> Message:
        """The next message. Raises MessageError where none can come any more."""
        message = await self._messages.get()
        if message is None:
            raise MessageError("the channel is lost")
        return message

    def close(self) -> None:
        """Close the socket; what comes after that is not looked at."""
        self._lose()
        self._transport.close()

    # --- asyncio.Protocol ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self._lose()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        if self.lost:
            return
        self._received += data
        try:
            while (message := self._next()) is not None:
                self._messages.put_nowait(message)
        except Exception:  # of whatever kind: nothing that it says can be trusted any more
            self.broken = True
            self._lose()
            self._transport.abort()

    def _next(self) -> Message | None:
        """The first message received, once it is whole. Raises MessageError."""
        if not self._received:
            return None
        if self._number is None:
            raise MessageError("nothing was asked")
        if len(self._received) < REPLY.size:
            return None
        number, length = REPLY.unpack_from(self._received)
        if number != self._number:
            raise MessageError("the message belongs to another request")
        if length > self._max_message_bytes:
            raise MessageError("the message is too long")
        end = REPLY.size + length
        if len(self._received) < end:
            return None
        message: Message = _MESSAGES.decode(self._received[REPLY.size : end])
        del self._received[:end]
        if isinstance(message, Result | Failure):
            self._number = None
        return message

    def _lose(self) -> None:
        if self.lost:
            return
        self.lost = True
        self._received.clear()
        self._messages.put_nowait(None)
        self._writable.set()
        self._on_lost()
