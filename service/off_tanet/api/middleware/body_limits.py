"""Limits on request bodies before a worker has them: their bytes, memory and time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from off_tanet.api.headers import header
from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.api.middleware.client_id import ClientOf
from off_tanet.api.middleware.request_state import request_state
from off_tanet.api.paths import route_path
from off_tanet.errors import (
    ClientGoneError,
    DrainingError,
    LimitExceededError,
    OffTanetError,
    QueueFullError,
    SlowRequestError,
)
from off_tanet.limits import BodyLimits
from off_tanet.workers import malloc
from off_tanet.workers.uploads import Upload

_SMALL_BYTES = 8 << 20  # of bodies that cannot have made the process much larger


async def read_upload(request: Request) -> Upload:
    """Read the whole body of a request, which is counted as held until a worker has taken it.

    Args:
        request: A request that passed BodyLimitMiddleware.

    Raises:
        ClientGoneError: The client closed the connection.
        LimitExceededError, SlowRequestError, EngineError: The body exceeds a limit.
    """
    pieces, complete = [], False
    while not complete:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError("The client closed the connection.")
        if piece := message.get("body"):
            pieces.append(piece)
        complete = not message.get("more_body", False)
    return Upload(pieces, request_state(request.scope).release_body)


class Body:
    """One body that is being received.

    Attributes:
        client: Identifier of the client that sends it.
        held: Bytes of it that are in memory.
    """

    def __init__(self, client: str, seconds: float) -> None:
        self.client = client
        self.held = 0
        self._seconds = seconds
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._timeout: asyncio.Timeout | None = None  # set while waiting for a message
        self._refusal: OffTanetError | None = None

    @property
    def is_arriving(self) -> bool:
        """Whether the application waits for more of it and it has not been refused."""
        return self._timeout is not None and self._refusal is None

    async def receive(self, receive: Receive) -> Message:
        """Return its next message; raise an OffTanetError if that does not arrive in time."""
        self._timeout = asyncio.timeout_at(0.0 if self._refusal else self._deadline)
        try:
            async with self._timeout:
                return await receive()
        except TimeoutError:
            late = SlowRequestError(f"The body did not arrive within {self._seconds:g} s.")
            raise self._refusal or late from None
        finally:
            self._timeout = None

    def refuse(self, error: OffTanetError) -> None:
        """Make the current or next call of `receive` fail with `error`."""
        self._refusal = error
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())


class BodyBudget:
    """The memory of all request bodies, from their headers until workers have taken them."""

    def __init__(self, limits: BodyLimits, client_of: ClientOf) -> None:
        self.limits = limits
        self._client_of = client_of
        self._held = self._peak = 0
        self._bodies: set[Body] = set()
        self._stopped = False
        self._heap = malloc.HeapTrimmer()

    @contextmanager
    def body(self, scope: Scope) -> Iterator[Body]:
        """Track the body of one request until the request is answered."""
        body = Body(self._client_of(scope), self.limits.seconds)
        if self._stopped:
            body.refuse(_draining())
        self._bodies.add(body)
        try:
            yield body
        finally:
            self._bodies.discard(body)
            self.release(body, body.held)

    def stop(self) -> None:
        """Refuse all bodies that are still arriving.

        Their requests would be refused anyway, and waiting for them would delay the shutdown.
        """
        self._stopped = True
        for body in self._bodies:
            body.refuse(_draining())

    def hold(self, body: Body, size: int) -> None:
        """Count `size` more bytes of a body.

        If that exceeds the limit, a body of the client that holds the most is refused.

        Args:
            body: The body that they belong to.
            size: Number of bytes that have arrived.

        Raises:
            QueueFullError: This client holds the most, or no other body can be refused.
        """
        body.held += size
        self._held += size
        self._peak = max(self._peak, self._held)
        if self._held > self.limits.held_bytes:
            self._make_room(body)

    def release(self, body: Body, size: int) -> None:
        """Stop counting `size` bytes of a body."""
        body.held -= size
        self._held -= size
        if not self._held and self._peak > _SMALL_BYTES:
            self._peak = 0
            self._heap.trim()

    def _make_room(self, body: Body) -> None:
        held: Counter[str] = Counter()
        for other in self._bodies:
            held[other.client] += other.held
        full = QueueFullError("The service has no memory left for more request bodies.")
        greediest = max(held, key=held.__getitem__)
        candidates = [b for b in self._bodies if b.client == greediest and b.is_arriving]
        if greediest == body.client or not candidates:
            raise full
        max(candidates, key=lambda candidate: candidate.held).refuse(full)


def _draining() -> DrainingError:
    return DrainingError("The service is about to stop.")


class BodyLengthGuard:
    """Refuses a body whose declared length exceeds its limit.

    `others` maps paths that have a limit of their own to that number of bytes and its name.

    The framework has a middleware for the length of one body, but its 413 is plain text that no
    exception handler can turn into a problem.
    """

    def __init__(self, max_bytes: int, others: Mapping[str, tuple[int, str]]) -> None:
        self._default = max_bytes, "body_bytes"
        self._others = others

    def check(self, scope: Scope) -> None:
        """Raise LimitExceededError if the declared length exceeds the limit."""
        declared = header(scope, b"content-length")
        self.check_bytes(scope, int(declared) if declared.isdecimal() else 0)

    def check_bytes(self, scope: Scope, size: int) -> None:
        """Raise LimitExceededError if a body of `size` bytes exceeds the limit."""
        max_bytes, limit = self._others.get(route_path(scope), self._default)
        if size > max_bytes:
            raise LimitExceededError(f"The body has more than {max_bytes} bytes.", limit)


class BodyLimitMiddleware(HttpMiddleware):
    """Refuses a body that exceeds a limit as it arrives."""

    def __init__(self, app: ASGIApp, budget: BodyBudget, lengths: BodyLengthGuard) -> None:
        super().__init__(app)
        self.budget = budget
        self.lengths = lengths

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body bounded."""
        with self.budget.body(scope) as body:
            total, complete = 0, False

            async def receive_bounded() -> Message:
                nonlocal total, complete
                if complete:  # only the end of the connection can follow, at any time
                    return await receive()
                message = await body.receive(receive)
                size = len(message.get("body", b""))
                total += size
                self.lengths.check_bytes(scope, total)
                self.budget.hold(body, size)
                complete = not message.get("more_body", False)
                return message

            request_state(scope).release_body = partial(self.budget.release, body)
            await self.app(scope, receive_bounded, send)
