"""Admission of requests and assignment of workers, with equal shares for all clients.

Under overload, the next worker is assigned to the client that has the fewest workers. A full queue
makes room for a client that has fewer places in it than another one. Therefore a client does not
get more by opening more connections. Other requests wait for a place in the order of their arrival.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from off_tanet.errors import EngineError, QueueFullError

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Place(Generic[T]):
    """The place of an admitted request.

    Attributes:
        client: Identifier of the client.
        worker: The worker that the request waits for.
        released: Whether the place has been given up.
    """

    client: str
    worker: asyncio.Future[T] = field(init=False)
    released: bool = False


class Dispatcher(Generic[T]):
    """Assigns idle workers to at most `places` admitted requests."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._idle: list[T] = []
        self._admitted: Counter[str] = Counter()  # places per client, with and without a worker
        self._waiting: OrderedDict[str, deque[Place[T]]] = (
            OrderedDict()
        )  # the client that was served the longest ago is first
        self._outside: deque[asyncio.Future[None]] = deque()  # requests that wait for a place
        self._closed: EngineError | None = None

    @property
    def admitted(self) -> int:
        """Number of requests that have a worker or wait for one."""
        return self._admitted.total()

    @property
    def clients(self) -> int:
        """Number of clients that have such requests."""
        return len(self._admitted)

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a worker."""
        return sum(map(len, self._waiting.values()))

    @property
    def idle(self) -> int:
        """Number of workers that wait for a request."""
        return len(self._idle)

    def check(self, client: str) -> None:
        """Raise QueueFullError if a request of `client` would not be admitted now."""
        if self.admitted >= self._places and self._to_displace(client) is None:
            raise QueueFullError("The service has more work than it can queue.")

    async def room(self, client: str, seconds: float, *, overtakes: bool = False) -> None:
        """Wait until a request of `client` would be admitted.

        Args:
            client: Identifier of the client.
            seconds: How long to wait at most.
            overtakes: Whether it goes before the requests that wait already. One whose body has
                arrived does, as it holds memory.

        Raises:
            QueueFullError: There was no place in that time.
        """
        if self._may_enter(client, overtakes):
            return
        try:
            async with asyncio.timeout(seconds):
                while not self._may_enter(client, overtakes):
                    await self._wait_outside(overtakes)
                    overtakes = True  # it has waited for its turn
        except TimeoutError:
            self.check(client)

    @contextmanager
    def place(self, client: str) -> Iterator[Place[T]]:
        """Admit a request for the duration of a `with` block.

        If all places are taken, a waiting request of a client with at least two more places is
        refused instead.

        Args:
            client: Identifier of the client.

        Raises:
            QueueFullError: All places are taken, and this client gets none of them.
        """
        self.check(client)
        if self.admitted >= self._places and (displaced := self._to_displace(client)) is not None:
            self._fail(displaced, QueueFullError("Other clients' requests went first."))
        place: Place[T] = Place(client)
        self._admitted[client] += 1
        try:
            yield place
        finally:
            self._release(place)
            self._invite()

    async def worker(self, place: Place[T]) -> T:
        """Wait for a worker for an admitted request.

        Args:
            place: The place of the request.

        Raises:
            QueueFullError: The place was given to another client.
            EngineError: The error that was passed to `fail` or `close`.
        """
        if self._closed is not None:
            raise self._closed
        if self._idle:
            return self._idle.pop()
        place.worker = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(place.client, deque()).append(place)
        try:
            return await place.worker
        except asyncio.CancelledError:
            future = place.worker
            if future.done() and not future.cancelled() and future.exception() is None:
                self.offer(future.result())
            raise
        finally:
            self._leave_queue(place)

    def offer(self, worker: T) -> None:
        """Assign an idle worker to the next waiting request, or keep it for a later one."""
        place = self._next_place()
        if place is None:
            self._idle.append(worker)
        else:
            place.worker.set_result(worker)

    def withdraw(self, worker: T) -> bool:
        """Remove a worker if it is idle; return whether it was."""
        if worker not in self._idle:
            return False
        self._idle.remove(worker)
        return True

    def fail(self, error: EngineError) -> None:
        """Fail all waiting requests with `error`."""
        for place in [place for places in self._waiting.values() for place in places]:
            self._fail(place, error)

    def close(self, error: EngineError) -> None:
        """Fail all requests with `error` that wait for a worker now or later."""
        self._closed = error
        self.fail(error)

    def _may_enter(self, client: str, overtakes: bool) -> bool:
        if self._to_displace(client) is not None:  # it has fewer places than another client
            return True
        return self.admitted < self._places and (overtakes or not self._outside)

    async def _wait_outside(self, overtakes: bool) -> None:
        waiter = asyncio.get_running_loop().create_future()
        (self._outside.appendleft if overtakes else self._outside.append)(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # it was invited in this iteration of the event loop
                self._invite()
            raise
        finally:
            if waiter in self._outside:
                self._outside.remove(waiter)

    def _invite(self) -> None:
        """Let as many requests enter as there are places; one that brings its body late waits."""
        for _ in range(min(self._places - self.admitted, len(self._outside))):
            waiter = self._outside.popleft()
            if not waiter.done():
                waiter.set_result(None)

    def _next_place(self) -> Place[T] | None:
        """Remove the next request from the queue and return it.

        A request that was cancelled in this iteration of the event loop may still be in the queue;
        it is skipped.
        """
        while self._waiting:
            client = min(self._waiting, key=self._served)
            self._waiting.move_to_end(client)
            place = self._waiting[client][0]
            self._leave_queue(place)
            if not place.worker.done():
                return place
        return None

    def _to_displace(self, client: str) -> Place[T] | None:
        """Return the request that makes room for `client`, if that makes the shares more equal.

        It is the newest request of the client with the most places.
        """
        greediest = max(self._waiting, key=self._admitted.__getitem__, default=None)
        if greediest is None or self._admitted[greediest] < self._admitted[client] + 2:
            return None
        return self._waiting[greediest][-1]

    def _served(self, client: str) -> int:
        """Return how many requests of a client have a worker."""
        return self._admitted[client] - len(self._waiting.get(client, ()))

    def _fail(self, place: Place[T], error: EngineError) -> None:
        self._release(place)
        if not place.worker.done():  # else it was cancelled in this iteration of the event loop
            place.worker.set_exception(error)

    def _release(self, place: Place[T]) -> None:
        self._leave_queue(place)
        if not place.released:
            place.released = True
            self._admitted[place.client] -= 1
            if not self._admitted[place.client]:
                del self._admitted[place.client]

    def _leave_queue(self, place: Place[T]) -> None:
        places = self._waiting.get(place.client)
        if places is not None and place in places:
            places.remove(place)
            if not places:
                del self._waiting[place.client]
