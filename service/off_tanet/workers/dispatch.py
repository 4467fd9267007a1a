"""Who may wait for a worker, and who gets the next one: equal shares between clients.

Where more is asked than can be served, the next worker goes to the client that has the fewest, and
a full queue makes room for a client that has fewer places in it than another: a client's share does
not grow with the number of its connections.
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
    """A request that was admitted: whose it is, and the worker that it waits for."""

    client: str
    worker: asyncio.Future[T] = field(init=False)
    released: bool = False


class Dispatcher(Generic[T]):
    """Hands idle workers to at most `places` requests at a time."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._idle: list[T] = []
        self._admitted: Counter[str] = Counter()  # places of each client, served and waiting
        self._waiting: OrderedDict[str, deque[Place[T]]] = OrderedDict()  # next to be served first
        self._closed: EngineError | None = None

    @property
    def admitted(self) -> int:
        """Requests that have a worker or wait for one."""
        return self._admitted.total()

    @property
    def waiting(self) -> int:
        """Requests that wait for a worker."""
        return sum(map(len, self._waiting.values()))

    @property
    def idle(self) -> int:
        """Workers that wait for a request."""
        return len(self._idle)

    def check(self, client: str) -> None:
        """Raises QueueFullError where a request of `client` would not be admitted now."""
        if self.admitted >= self._places and self._to_displace(client) is None:
            raise QueueFullError("The service has more work than it can queue.")

    @contextmanager
    def place(self, client: str) -> Iterator[Place[T]]:
        """A place for one request, until the work is over. Raises QueueFullError.

        Where all are taken, one that waits makes room if its client has at least two more.
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

    async def worker(self, place: Place[T]) -> T:
        """The worker for an admitted request, as soon as it is its turn.

        Raises QueueFullError where the place was given to another client, and what `fail` or
        `close` was told.
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
            given = place.worker
            if given.done() and not given.cancelled() and given.exception() is None:
                self.offer(given.result())
            raise
        finally:
            self._leave_queue(place)

    def offer(self, worker: T) -> None:
        """Give an idle worker to the request whose turn it is, or keep it for the next one."""
        place = self._next_place()
        if place is None:
            self._idle.append(worker)
        else:
            place.worker.set_result(worker)

    def withdraw(self, worker: T) -> bool:
        """Take back an idle worker; False where it is not idle."""
        if worker not in self._idle:
            return False
        self._idle.remove(worker)
        return True

    def fail(self, error: EngineError) -> None:
        """Let every request that waits end with `error`."""
        for place in [place for places in self._waiting.values() for place in places]:
            self._fail(place, error)

    def close(self, error: EngineError) -> None:
        """Let every request end with `error` that waits, or will wait again, for a worker."""
        self._closed = error
        self.fail(error)

    def _next_place(self) -> Place[T] | None:
        """The request whose turn it is, taken out of the queue.

        One that was cancelled in this turn of the event loop is still there, and takes nothing.
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
        """The newest request of the client with the most places, where that makes shares equal."""
        greediest = max(self._waiting, key=self._admitted.__getitem__, default=None)
        if greediest is None or self._admitted[greediest] < self._admitted[client] + 2:
            return None
        return self._waiting[greediest][-1]

    def _served(self, client: str) -> int:
        """The requests of a client that have a worker."""
        return self._admitted[client] - len(self._waiting.get(client, ()))

    def _fail(self, place: Place[T], error: EngineError) -> None:
        self._release(place)
        if not place.worker.done():  # else it was cancelled in this turn of the event loop
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
