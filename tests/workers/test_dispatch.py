"""The queue: a client's share does not grow with its connections."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import DrainingError, NoWorkerError, QueueFullError
from off_tanet.workers.dispatch import Dispatcher

Ask = Callable[[str], asyncio.Task[None]]


def simulated(
    places: int, workers: int, body: Callable[[Dispatcher[int], Counter[str]], Awaitable[None]]
) -> Counter[str]:
    """The requests of each client that were served while `body` ran."""
    served: Counter[str] = Counter()

    async def run() -> None:
        dispatcher: Dispatcher[int] = Dispatcher(places)
        for worker in range(workers):
            dispatcher.offer(worker)
        async with asyncio.timeout(60):
            await body(dispatcher, served)

    asyncio.run(run())
    return served


async def request(dispatcher: Dispatcher[int], client: str, served: Counter[str]) -> None:
    """One request; its work takes a few turns of the event loop."""
    with dispatcher.place(client) as place:
        worker = await dispatcher.worker(place)
        try:
            for _ in range(5):
                await asyncio.sleep(0)
            served[client] += 1
        finally:
            dispatcher.offer(worker)


async def ask_again(dispatcher: Dispatcher[int], client: str, served: Counter[str]) -> None:
    """A client's connection: it sends again as soon as it was answered or refused."""
    while True:
        with suppress(QueueFullError):
            await request(dispatcher, client, served)
        await asyncio.sleep(0)


@pytest.mark.parametrize(("workers", "queue"), [(1, 4), (2, 16), (4, 2)])
def test_a_polite_client_has_its_share_next_to_a_hundred_connections(
    workers: int, queue: int
) -> None:
    """With one connection it can use one worker at a time, and half of the service at most."""

    async def body(dispatcher: Dispatcher[int], served: Counter[str]) -> None:
        names = ["polite", *["greedy"] * 100]
        clients = [asyncio.create_task(ask_again(dispatcher, name, served)) for name in names]
        while served.total() < 1000:
            await asyncio.sleep(0)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    served = simulated(workers + queue, workers, body)
    equal_share = min(1 / 2, 1 / workers)
    assert served["polite"] >= equal_share / 2 * served.total()


def test_many_clients_share_equally() -> None:
    async def body(dispatcher: Dispatcher[int], served: Counter[str]) -> None:
        connections = {"a": 1, "b": 5, "c": 20, "d": 60}
        clients = [
            asyncio.create_task(ask_again(dispatcher, name, served))
            for name, count in connections.items()
            for _ in range(count)
        ]
        while served.total() < 1000:
            await asyncio.sleep(0)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    served = simulated(9, 1, body)
    assert min(served.values()) >= 0.5 * served.total() / len(served)


def test_a_full_queue_makes_room_for_a_client_with_less() -> None:
    """The newest request of the client with the most is refused, not its oldest."""

    async def body(dispatcher: Dispatcher[int], served: Counter[str]) -> None:
        greedy = [asyncio.create_task(request(dispatcher, "greedy", served)) for _ in range(3)]
        await asyncio.sleep(0)
        dispatcher.check("polite")
        with pytest.raises(QueueFullError):
            dispatcher.check("greedy")
        await request(dispatcher, "polite", served)
        outcomes = await asyncio.gather(*greedy, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [type(None), type(None), QueueFullError]

    assert simulated(3, 1, body) == {"greedy": 2, "polite": 1}


def test_no_request_is_displaced_for_an_equal_share() -> None:
    """Otherwise two clients would displace each other's requests without end."""

    async def body(dispatcher: Dispatcher[int], served: Counter[str]) -> None:
        waiting = [asyncio.create_task(request(dispatcher, name, served)) for name in "aabb"]
        await asyncio.sleep(0)
        assert dispatcher.clients == 2
        for name in "ab":
            with pytest.raises(QueueFullError):
                dispatcher.check(name)
        dispatcher.check("c")
        await asyncio.gather(*waiting)

    assert simulated(4, 1, body) == {"a": 2, "b": 2}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), max_size=30), st.data())
def test_no_worker_and_no_place_is_lost(
    requests: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Whenever requests are cancelled, all workers are idle again at the end."""
    workers, places = 2, 6

    async def body(dispatcher: Dispatcher[int], served: Counter[str]) -> None:
        tasks = []
        for client, turns in requests:
            tasks.append(asyncio.create_task(request(dispatcher, client, served)))
            for _ in range(turns):
                await asyncio.sleep(0)
            if data.draw(st.booleans()):
                tasks[data.draw(st.integers(0, len(tasks) - 1))].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        expected = (QueueFullError, asyncio.CancelledError, type(None))
        assert all(isinstance(outcome, expected) for outcome in outcomes)
        state = dispatcher.idle, dispatcher.waiting, dispatcher.admitted
        assert state == (workers, 0, 0)

    simulated(places, workers, body)


@pytest.mark.parametrize("event", ["offer", "fail", "displace"])
def test_a_worker_offered_during_a_cancellation_reaches_others(event: str) -> None:
    """A cancelled request stays in the queue until its task runs: what it was given there was
    lost, and with it a worker."""

    async def body(dispatcher: Dispatcher[int], served: Counter[str]) -> None:
        first, second = (asyncio.create_task(request(dispatcher, "a", served)) for _ in range(2))
        await asyncio.sleep(0)
        (second if event == "displace" else first).cancel()
        if event == "offer":
            dispatcher.offer(1)
            await second
        elif event == "fail":
            dispatcher.fail(NoWorkerError("none"))
            with pytest.raises(NoWorkerError):
                await second
        else:
            third = asyncio.create_task(request(dispatcher, "b", served))
            await asyncio.sleep(0)
            dispatcher.offer(1)
            await asyncio.gather(first, third)
        await asyncio.gather(first, second, return_exceptions=True)
        idle = 0 if event == "fail" else 1
        state = dispatcher.idle, dispatcher.waiting, dispatcher.admitted
        assert state == (idle, 0, 0)

    simulated(2, 0, body)


async def request_patiently(dispatcher: Dispatcher[int], client: str, served: Counter[str]) -> None:
    """One request that waits for a place with its head, and again when its body has arrived."""
    await dispatcher.room(client, 3600)
    for _ in range(3):  # the body arrives
        await asyncio.sleep(0)
    await dispatcher.room(client, 3600, overtakes=True)
    await request(dispatcher, client, served)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 12), max_size=30), st.data())
def test_every_request_that_waits_for_a_place_gets_one(
    turns: list[int], data: st.DataObject
) -> None:
    """Whichever of them are cancelled."""

    async def body(dispatcher: Dispatcher[int], served: Counter[str]) -> None:
        tasks = []
        for count in turns:
            tasks.append(asyncio.create_task(request_patiently(dispatcher, "a", served)))
            for _ in range(count):
                await asyncio.sleep(0)
            if data.draw(st.booleans()):
                tasks[data.draw(st.integers(0, len(tasks) - 1))].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} <= {type(None), asyncio.CancelledError}
        assert served["a"] == outcomes.count(None)
        assert (dispatcher.idle, dispatcher.waiting, dispatcher.admitted) == (1, 0, 0)

    simulated(3, 1, body)


def test_a_request_that_is_cancelled_when_there_is_a_place_leaves_it_to_the_next() -> None:
    async def body(dispatcher: Dispatcher[int], _: Counter[str]) -> None:
        with dispatcher.place("a"):
            first, second = (asyncio.create_task(dispatcher.room("a", 3600)) for _ in range(2))
            await asyncio.sleep(0)
        first.cancel()
        await second

    simulated(1, 0, body)


def test_requests_wait_for_a_place_in_the_order_of_their_arrival() -> None:
    """Also if one comes in the moment in which there is a place for another one. One whose body has
    arrived holds memory, and goes first."""

    async def body(dispatcher: Dispatcher[int], _: Counter[str]) -> None:
        order: list[str] = []

        async def arrive(name: str, *, overtakes: bool = False) -> None:
            await dispatcher.room("a", 3600, overtakes=overtakes)
            with dispatcher.place("a"):
                order.append(name)
                await asyncio.sleep(0)

        with dispatcher.place("a"):
            tasks = [asyncio.create_task(arrive(name)) for name in ("first", "second")]
            await asyncio.sleep(0)
            tasks.append(asyncio.create_task(arrive("body", overtakes=True)))
            await asyncio.sleep(0)
            assert not order
        tasks.append(asyncio.create_task(arrive("last")))
        await asyncio.gather(*tasks)
        assert order == ["body", "first", "second", "last"]

    simulated(1, 0, body)


def test_a_request_does_not_wait_where_it_may_displace_another_one() -> None:
    async def body(dispatcher: Dispatcher[int], served: Counter[str]) -> None:
        greedy = [asyncio.create_task(request(dispatcher, "greedy", served)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting = asyncio.create_task(dispatcher.room("greedy", 3600))
        await asyncio.sleep(0)
        await dispatcher.room("polite", 0)
        assert not waiting.done()
        await asyncio.gather(*greedy, waiting)

    assert simulated(3, 1, body) == {"greedy": 3}


def test_a_request_does_not_wait_behind_those_of_a_client_with_more_places() -> None:
    """Also while a place is meant for one of them, whose body has not arrived yet."""

    async def body(dispatcher: Dispatcher[int], served: Counter[str]) -> None:
        with dispatcher.place("greedy"):
            tasks = [asyncio.create_task(request(dispatcher, "greedy", served)) for _ in range(2)]
            await asyncio.sleep(0)
            outside = [asyncio.create_task(dispatcher.room("greedy", 3600)) for _ in range(2)]
            await asyncio.sleep(0)
        await dispatcher.room("polite", 3600)
        assert not outside[1].done()
        await asyncio.gather(*tasks, *outside)

    assert simulated(3, 1, body) == {"greedy": 2}


def test_a_request_without_a_place_is_refused_in_the_end() -> None:
    async def body(dispatcher: Dispatcher[int], _: Counter[str]) -> None:
        with dispatcher.place("a"), pytest.raises(QueueFullError):
            await dispatcher.room("a", 0)

    simulated(1, 0, body)


def test_no_request_waits_after_the_close() -> None:
    """A request whose worker was killed by the close would wait for another one without end."""

    async def body(dispatcher: Dispatcher[int], _: Counter[str]) -> None:
        with dispatcher.place("a") as place:
            assert await dispatcher.worker(place) == 0
            dispatcher.close(DrainingError("the end"))
            with pytest.raises(DrainingError):
                await dispatcher.worker(place)

    simulated(1, 1, body)
