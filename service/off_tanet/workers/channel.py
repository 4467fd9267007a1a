"""The server's end of the socket to one worker process.

It is an asyncio protocol rather than a stream, so that unexpected messages and the end of the
worker are detected when they occur, not at the next read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

from off_tanet.workers.messages import (
    REPLY,
    Ask,
    Failure,
    Message,
    MessageError,
    PartialResult,
    Result,
    Step,
    decoder,
)

_MESSAGES = decoder((Step, PartialResult, Ask, Result, Failure))


class Channel(asyncio.Protocol):
    """Sends a worker one request at a time and receives the messages of its answer.

    A message is decoded when `receive` is called, and if more arrives while a complete message
    waits, the socket is not read any more. A worker that writes without end only fills its own send
    buffer, and takes the event loop no more time than one message per iteration.

    Attributes:
        lost: Whether the channel can no longer be used, because the socket was closed or the worker
            violated the protocol. The callback `on_lost` is called once when this happens.
        broken: Whether the worker violated the protocol: it wrote something other than the messages
            of the current request.
    """

    def __init__(self, max_message_bytes: int, on_lost: Callable[[], None]) -> None:
        self.lost = self.broken = False
        self._max_message_bytes = max_message_bytes
        self._on_lost = on_lost
        self._received = bytearray()
        self._number: int | None = None  # of the current request
        self._paused = False  # whether the socket is not read
        self._readable = asyncio.Event()  # a message is complete, or the channel is lost
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def idle(self) -> bool:
        """Whether the last request was completed by the worker's own final message."""
        return not self.lost and self._number is None

    def expect(self, number: int) -> None:
        """Accept messages with this number from now on, up to the final one."""
        self._number = number

    async def send(self, head: bytes, pieces: Iterable[bytes]) -> None:
        """Write the head and the pieces, each when most of what is before it has been sent."""
        for piece in pieces:
            if self.lost:
                return  # `receive` will raise an error
            # One call of the system for the head and the first piece.
            self._transport.writelines((head, piece) if head else (piece,))
            head = b""
            if not self._writable.is_set():
                await self._writable.wait()
        if head and not self.lost:
            self._transport.write(head)

    async def receive(self) -> Message:
        """Return the next message; raise MessageError if the channel is lost or breaks."""
        if self._readable.is_set():
            await asyncio.sleep(0)  # let other tasks run, however many messages there are
        else:
            await self._readable.wait()
        if self.lost:
            raise MessageError("the channel is lost")
        try:
            message = self._take()
        except Exception:  # of any kind: nothing from this worker can be trusted any more
            self._break()
            raise MessageError(
                "the worker wrote something other than a message of this request"
            ) from None
        if not self._is_readable():
            self._readable.clear()
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
        if self._number is None and self._received:
            self._break()  # `idle` is False then
        return message

    def close(self) -> None:
        """Close the socket and ignore anything that still arrives."""
        self._lose()
        self._transport.close()

    # --- asyncio.Protocol ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Mark the channel as lost."""
        self._lose()

    def pause_writing(self) -> None:
        """Make `send` wait."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let `send` continue."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Store the data, and stop reading if a message was complete before."""
        if self.lost:
            return
        self._received += data
        if self._number is None:
            self._break()
        elif self._readable.is_set():
            self._paused = True
            self._transport.pause_reading()
        elif self._is_readable():
            self._readable.set()

    def _is_readable(self) -> bool:
        """Whether the first message is complete, or its beginning is already invalid."""
        if len(self._received) < REPLY.size:
            return False
        number, length = REPLY.unpack_from(self._received)
        is_complete: bool = len(self._received) >= REPLY.size + length
        return is_complete or number != self._number or length > self._max_message_bytes

    def _take(self) -> Message:
        """Remove the first message from the buffer and decode it."""
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
