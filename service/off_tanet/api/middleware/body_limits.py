"""What a request's body may cost before a worker has it: bytes, memory, time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from off_tanet.api.middleware.client_id import ClientOf
from off_tanet.api.middleware.request_state import notes
from off_tanet.api.paths import route_path
from off_tanet.api.problems import BodyRefusedError, response
from off_tanet.errors import (
    ClientGoneError,
    DrainingError,
    LimitExceededError,
    OffTanetError,
    QueueFullError,
    SlowRequestError,
)
from off_tanet.limits import BodyLimits
from off_tanet.workers.uploads import Upload


async def upload(request: Request) -> Upload:
    """The whole body of a request, counted as held until a worker has taken it.

    Raises ClientGoneError, and what the limits have against it.
    """
    try:
        pieces = [piece async for piece in request.stream() if piece]
    except ClientDisconnect:
        raise ClientGoneError("The client closed the connection.") from None
    return Upload(pieces, notes(request.scope)["release_body"])


class Body:
    """One body on its way, and the bytes of it that are held."""

    def __init__(self, client: str, seconds: float) -> None:
        self.client = client
        self.held = 0
        self._seconds = seconds
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._timeout: asyncio.Timeout | None = None  # while it is waited for
        self._refusal: OffTanetError | None = None

    @property
    def is_arriving(self) -> bool:
        """Whether more of it is waited for, and it was not refused."""
        return self._timeout is not None and self._refusal is None

    async def receive(self, receive: Receive) -> Message:
        """Its next message. Raises BodyRefusedError where that does not come in time."""
        self._timeout = asyncio.timeout_at(0.0 if self._refusal else self._deadline)
        try:
            async with self._timeout:
                return await receive()
        except TimeoutError:
            late = SlowRequestError(f"The body did not arrive within {self._seconds:g} s.")
            raise BodyRefusedError(self._refusal or late) from None
        finally:
            self._timeout = None

    def refuse(self, error: OffTanetError) -> None:
        """Let the wait for more of it end with `error`."""
        self._refusal = error
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())


class BodyBudget:
    """All bodies from their heads until workers have them: how many bytes, and whose."""

    def __init__(self, limits: BodyLimits, client_of: ClientOf) -> None:
        self.limits = limits
        self._client_of = client_of
        self._held = 0
        self._bodies: set[Body] = set()
        self._stopped = False

    @contextmanager
    def body(self, scope: Scope) -> Iterator[Body]:
        """The body of one request, until that is answered."""
        body = Body(self._client_of(scope), self.limits.seconds)
        if self._stopped:
            body.refuse(_stopping())
        self._bodies.add(body)
        try:
            yield body
        finally:
            self._bodies.discard(body)
            self.release(body, body.held)

    def stop(self) -> None:
        """End those that are on their way.

        What they ask for would be refused, and they would keep the server from its end.
        """
        self._stopped = True
        for body in self._bodies:
            body.refuse(_stopping())

    def hold(self, body: Body, size: int) -> None:
        """Count so many bytes more of a body.

        Where that is too much, a body of the client that holds the most is ended. Raises
        BodyRefusedError where that is the client of this one, or none of its bodies can be ended.
        """
        body.held += size
        self._held += size
        if self._held > self.limits.held_bytes:
            self._make_room(body)

    def release(self, body: Body, size: int) -> None:
        """Count so many bytes of a body as held no longer."""
        body.held -= size
        self._held -= size

    def _make_room(self, body: Body) -> None:
        held: Counter[str] = Counter()
        for each in self._bodies:
            held[each.client] += each.held
        full = QueueFullError("The service holds as many bodies as it can.")
        greediest = max(held, key=held.__getitem__)
        theirs = [each for each in self._bodies if each.client == greediest and each.is_arriving]
        if greediest == body.client or not theirs:
            raise BodyRefusedError(full)
        max(theirs, key=lambda each: each.held).refuse(full)


def _stopping() -> DrainingError:
    return DrainingError("The service is about to stop.")


class BodyLimitMiddleware:
    """Refuses a body over a limit: at once by its declared length, else while it arrives.

    `others` are the bytes of one body, and the words for them, at paths with a limit of their own.

    The framework has such a middleware for the bytes of one body; its 413 is plain text that no
    handler can turn into a problem.
    """

    def __init__(
        self, app: ASGIApp, bodies: BodyBudget, others: Mapping[str, tuple[int, str]]
    ) -> None:
        self.app = app
        self.bodies = bodies
        self.others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        usual = self.bodies.limits.bytes, "body_bytes"
        most, word = self.others.get(route_path(scope), usual)
        too_large = LimitExceededError(f"The body has more than {most} bytes.", word)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > most:
            await response(scope, too_large)(scope, receive, send)
            return
        with self.bodies.body(scope) as body:
            total, arrived = 0, False

            async def receive_bounded() -> Message:
                nonlocal total, arrived
                if arrived:  # what comes now is the end of the connection, whenever it comes
                    return await receive()
                message = await body.receive(receive)
                size = len(message.get("body", b""))
                total += size
                if total > most:
                    raise BodyRefusedError(too_large)
                self.bodies.hold(body, size)
                arrived = not message.get("more_body", False)
                return message

            notes(scope)["release_body"] = partial(self.bodies.release, body)
            await self.app(scope, receive_bounded, send)
