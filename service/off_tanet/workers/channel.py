"""The server's end of the socket that it shares with one worker process.

A protocol of asyncio and no stream: what a worker says out of turn, and its end, are noticed when
they happen and not when somebody reads next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

from off_tanet.workers.messages import (
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

    A message is decoded when somebody asks for it, and the socket is not read while a whole one
    waits: a worker that writes without end fills its own side, and costs the event loop no more
    than a message a turn.

    The channel is `lost`, for good, when the socket closes, and when the worker writes anything but
    messages of the request that it was asked: then it is `broken`, too. `on_lost` is called once.
    """

    def __init__(self, max_message_bytes: int, on_lost: Callable[[], None]) -> None:
        self.lost = self.broken = False
        self._max_message_bytes = max_message_bytes
        self._on_lost = on_lost
        self._received = bytearray()
        self._number: int | None = None  # of the request that is not answered yet
        self._readable = asyncio.Event()  # a message can be looked at, or none can come any more
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
        await self._readable.wait()
        await asyncio.sleep(0)  # others have their turn, however many messages there are
        if self.lost:
            raise MessageError("the channel is lost")
        try:
            message = self._taken()
        except Exception:  # of whatever kind: nothing that it says can be trusted any more
            self._break()
            raise MessageError("what the worker wrote is no message of this request") from None
        if not self._is_readable():
            self._readable.clear()
            self._transport.resume_reading()
        if self._number is None and self._received:
            self._break()  # `idle` says so
        return message

    def close(self) -> None:
        """Close the socket; what comes after that is not looked at."""
        self._lose()
        self._transport.close()

    # --- asyncio.Protocol ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # a socket's reads and writes

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
        if self._number is None:
            self._break()
        elif self._is_readable():
            self._transport.pause_reading()
            self._readable.set()

    def _is_readable(self) -> bool:
        """Whether the first message is whole, or begins as none may."""
        if len(self._received) < REPLY.size:
            return False
        number, length = REPLY.unpack_from(self._received)
        is_whole: bool = len(self._received) >= REPLY.size + length
        return is_whole or number != self._number or length > self._max_message_bytes

    def _taken(self) -> Message:
        """The first message, which is received no more. Raises what its decoder raises, too."""
        number, length = REPLY.unpack_from(self._received)
        if number != self._number:
            raise MessageError("the message belongs to another request")
        if length > self._max_message_bytes:
            raise MessageError("the message is too long")
        end = REPLY.size + length
        message: Message = _MESSAGES.decode(self._received[REPLY.size : end])
        del self._received[:end]
        if isinstance(message, Result | Failure):
            self._number = None
        return message

    def _break(self) -> None:
        self.broken = True
        self._lose()
        self._transport.abort()

    def _lose(self) -> None:
        if self.lost:
            return
        self.lost = True
        self._received.clear()
        self._readable.set()
        self._writable.set()
        self._on_lost()
