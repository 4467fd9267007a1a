"""What a request's body may cost before a worker has it: bytes, memory, time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.notes import notes
from service.api.paths import route_path
from service.api.problems import BodyRefusedError, response
from service.recognition.errors import (
    ClientGoneError,
    DrainingError,
    EngineError,
    LimitExceededError,
    QueueFullError,
    SlowRequestError,
)
from service.uploads import Upload


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`bytes` of one body, `held_bytes` of all at once, `seconds` from a head to its body's end."""

    bytes: int
    held_bytes: int
    seconds: float


async def upload(request: Request) -> Upload:
    """The whole body of a request, counted as held until a worker has taken it.

    Raises ClientGoneError, and what the limits have against it.
    """
    try:
        pieces = [piece async for piece in request.stream() if piece]
    except ClientDisconnect:
        raise ClientGoneError("The client closed the connection.") from None
    return Upload(pieces, notes(request.scope)["release_body"])


class Arrivals:
    """Bodies on their way: each has its time, and none goes on once the service is about to stop.

    What they ask for would be refused then, and they would keep the server from its end.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: set[asyncio.Timeout] = set()
        self._stopped = False

    def deadline(self) -> float:
        """When a body that begins now must be there, by the event loop's clock."""
        return asyncio.get_running_loop().time() + self._seconds

    async def receive(self, receive: Receive, deadline: float) -> Message:
        """The next message of a body. Raises BodyRefusedError where it does not come."""
        timeout = asyncio.timeout_at(0.0 if self._stopped else deadline)
        try:
            async with timeout:
                self._waiting.add(timeout)
                return await receive()
        except TimeoutError:
            raise BodyRefusedError(self._reason()) from None
        finally:
            self._waiting.discard(timeout)

    def stop(self) -> None:
        """End those that are on their way."""
        self._stopped = True
        for timeout in self._waiting:
            timeout.reschedule(asyncio.get_running_loop().time())

    def _reason(self) -> EngineError | SlowRequestError:
        if self._stopped:
            return DrainingError("The service is about to stop.")
        return SlowRequestError(f"The body did not arrive within {self._seconds:g} s.")


class BodyLimitMiddleware:
    """Refuses a body over a limit: at once by its declared length, else while it arrives.

    `others` are the bytes of one body, and the words for them, at paths with a limit of their own.

    The framework has such a middleware for the bytes of one body; its 413 is plain text that no
    handler can turn into a problem.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: BodyLimits,
        others: Mapping[str, tuple[int, str]],
        arrivals: Arrivals,
    ) -> None:
        self.app = app
        self.limits = limits
        self.others = others
        self.arrivals = arrivals
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most, word = self.others.get(route_path(scope), (self.limits.bytes, "body_bytes"))
        too_large = LimitExceededError(f"The body has more than {most} bytes.", word)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > most:
            await response(scope, too_large)(scope, receive, send)
            return
        deadline = self.arrivals.deadline()
        total, held, arrived = 0, 0, False

        def release(size: int) -> None:
            nonlocal held
            held -= size
            self.held -= size

        async def receive_bounded() -> Message:
            nonlocal total, held, arrived
            if arrived:  # what comes now is the end of the connection, whenever it comes
                return await receive()
            message = await self.arrivals.receive(receive, deadline)
            size = len(message.get("body", b""))
            total += size
            held += size
            self.held += size
            if total > most:
                raise BodyRefusedError(too_large)
            if self.held > self.limits.held_bytes:
                raise BodyRefusedError(
                    QueueFullError("The service holds as many bodies as it can.")
                )
            arrived = not message.get("more_body", False)
            return message

        notes(scope)["release_body"] = release
        try:
            await self.app(scope, receive_bounded, send)
        finally:
            release(held)
