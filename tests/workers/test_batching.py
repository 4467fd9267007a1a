"""Dynamic batching: which requests are put together, and that each gets its own answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import DeadlineError, InferenceRequestError, LimitExceededError
from off_tanet.limits import BatchingLimits
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.schemas.oip import Reply
from off_tanet.workers.answer_types import InferenceAnswer
from off_tanet.workers.batching import InferenceBatcher
from off_tanet.workers.engine import Engine
from off_tanet.workers.jobs import InferenceBatch, InferenceJob
from off_tanet.workers.messages import Failure, Report
from off_tanet.workers.uploads import Upload

from tests.support.requests import described, some_flows

LIMITS = BatchingLimits(requests=3, body_bytes=10)
JOB = InferenceJob(None)
NO_REPORT = cast("Report", None)


@dataclass
class FakeEngine:
    """An engine that echoes bodies, as soon as `free` is set."""

    idle: bool = False
    clients: int = 1
    free: asyncio.Event = field(default_factory=asyncio.Event)
    runs: list[tuple[str, list[bytes]]] = field(default_factory=list)
    cancelled: int = 0
    error: Exception | None = None

    def share(self, count: int) -> int:
        return 1 if self.idle else count // self.clients

    async def run(self, job: Any, upload: Upload, *, client: str, waited: Any) -> Any:
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        waited(1.0)
        sizes = job.sizes if isinstance(job, InferenceBatch) else [upload.size]
        assert sum(sizes) == upload.size
        body = b"".join(upload)
        bodies = [body[sum(sizes[:i]) : sum(sizes[: i + 1])] for i in range(len(sizes))]
        self.runs.append((client, bodies))
        await asyncio.sleep(0)
        outcomes = tuple(map(echo, bodies))
        if isinstance(job, InferenceBatch):
            return outcomes
        (answer,) = outcomes
        return answer


def echo(body: bytes) -> InferenceAnswer | Failure:
    if body.startswith(b"bad"):
        return Failure.of(LimitExceededError(body.decode(), "batch"))
    return InferenceAnswer(Reply(body, b""), {})


async def ask(
    batcher: InferenceBatcher, body: bytes, client: str = "a", waits: list[float] | None = None
) -> bytes:
    waited = (waits if waits is not None else []).append
    return (await batcher.run(JOB, Upload([body]), client, waited)).reply.header


async def looked_at() -> None:
    """All requests that were made have reached the engine or a batch."""
    for _ in range(5):
        await asyncio.sleep(0)


def simulated(body: Callable[[FakeEngine, InferenceBatcher], Awaitable[None]]) -> None:
    async def run() -> None:
        engine = FakeEngine()
        async with asyncio.timeout(60):
            await body(engine, InferenceBatcher(cast("Engine", engine), LIMITS))

    asyncio.run(run())


def test_requests_that_wait_are_put_together() -> None:
    """Up to the limit, and only with those of the same client."""

    async def body(engine: FakeEngine, batcher: InferenceBatcher) -> None:
        waits: list[float] = []
        names = [(b"a1", "a"), (b"b1", "b"), (b"a2", "a"), (b"a3", "a"), (b"a4", "a")]
        tasks = [asyncio.create_task(ask(batcher, text, client, waits)) for text, client in names]
        await looked_at()
        engine.free.set()
        assert await asyncio.gather(*tasks) == [text for text, _ in names]
        assert engine.runs == [("a", [b"a1", b"a2", b"a3"]), ("b", [b"b1"]), ("a", [b"a4"])]
        assert len(waits) == len(names)

    simulated(body)


def test_clients_divide_the_size_of_a_batch() -> None:
    """Otherwise a client that sends one request at a time would wait for all of another one."""

    async def body(engine: FakeEngine, batcher: InferenceBatcher) -> None:
        tasks = [asyncio.create_task(ask(batcher, text)) for text in (b"1", b"2")]
        await looked_at()
        engine.clients = 3
        tasks += [asyncio.create_task(ask(batcher, text)) for text in (b"3", b"4")]
        await looked_at()
        engine.free.set()
        assert await asyncio.gather(*tasks) == [b"1", b"2", b"3", b"4"]
        assert engine.runs == [("a", [b"1", b"2"]), ("a", [b"3"]), ("a", [b"4"])]

    simulated(body)


def test_nobody_joins_a_batch_that_a_worker_has() -> None:
    async def body(engine: FakeEngine, batcher: InferenceBatcher) -> None:
        engine.free.set()
        assert await ask(batcher, b"first") == b"first"
        assert await ask(batcher, b"second") == b"second"
        assert engine.runs == [("a", [b"first"]), ("a", [b"second"])]

    simulated(body)


@pytest.mark.parametrize("case", ["an idle worker", "a large body"])
def test_a_request_that_runs_alone(case: str) -> None:
    async def body(engine: FakeEngine, batcher: InferenceBatcher) -> None:
        engine.idle = case == "an idle worker"
        text = b"0123456789" + b"0" * (case == "a large body")
        tasks = [asyncio.create_task(ask(batcher, text)) for _ in range(2)]
        await looked_at()
        engine.free.set()
        assert await asyncio.gather(*tasks) == [text, text]
        assert engine.runs == [("a", [text])] * 2

    simulated(body)


def test_a_bad_request_fails_alone() -> None:
    async def body(engine: FakeEngine, batcher: InferenceBatcher) -> None:
        tasks = [asyncio.create_task(ask(batcher, text)) for text in (b"1", b"bad 2", b"3")]
        await looked_at()
        engine.free.set()
        first, second, third = await asyncio.gather(*tasks, return_exceptions=True)
        assert (first, third) == (b"1", b"3")
        assert isinstance(second, LimitExceededError)
        assert (second.detail, second.limit) == ("bad 2", "batch")
        assert len(engine.runs) == 1

    simulated(body)


def test_an_error_of_the_engine_reaches_the_whole_batch() -> None:
    async def body(engine: FakeEngine, batcher: InferenceBatcher) -> None:
        engine.error = DeadlineError("late")
        tasks = [asyncio.create_task(ask(batcher, text)) for text in (b"1", b"2")]
        await looked_at()
        engine.free.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [DeadlineError] * 2
        engine.error = None
        assert await ask(batcher, b"3") == b"3"

    simulated(body)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6)), min_size=1, max_size=20),
    st.data(),
)
def test_whoever_is_cancelled_all_others_get_their_own_answers(
    requests: list[tuple[str, int]], data: st.DataObject
) -> None:
    async def body(engine: FakeEngine, batcher: InferenceBatcher) -> None:
        opened = data.draw(st.integers(0, len(requests)))
        tasks = []
        for number, (client, turns) in enumerate(requests):
            if number == opened:
                engine.free.set()
            tasks.append(asyncio.create_task(ask(batcher, f"{client}{number}".encode(), client)))
            for _ in range(turns):
                await asyncio.sleep(0)
            if data.draw(st.booleans()):
                tasks[data.draw(st.integers(0, number))].cancel()
        engine.free.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for number, ((client, _), task) in enumerate(zip(requests, tasks, strict=True)):
            expected = f"{client}{number}".encode()
            assert task.cancelled() or outcomes[number] == expected
        for client, bodies in engine.runs:
            assert all(each.decode().startswith(client) for each in bodies)
            assert len(bodies) <= LIMITS.requests

    simulated(body)


def test_work_that_nobody_waits_for_is_stopped() -> None:
    """And who comes then does not join it."""

    async def body(engine: FakeEngine, batcher: InferenceBatcher) -> None:
        tasks = [asyncio.create_task(ask(batcher, text)) for text in (b"1", b"2")]
        await looked_at()
        tasks[0].cancel()
        await looked_at()
        assert engine.cancelled == 0
        tasks[1].cancel()
        late = asyncio.create_task(ask(batcher, b"3"))
        await looked_at()
        assert engine.cancelled == 1
        engine.free.set()
        assert await late == b"3"

    simulated(body)


@cache
def recognizer() -> Recognizer:
    return Recognizer()


BODIES = {
    "one": json.dumps(described(some_flows(1)) | {"id": "one"}).encode(),
    "two": json.dumps(described(some_flows(2)) | {"outputs": [{"name": "attention"}]}).encode(),
    "binary": json.dumps(
        {
            "inputs": [
                {
                    "name": "flow",
                    "datatype": "FP32",
                    "shape": [3, 2, 112, 112],
                    "parameters": {"binary_data_size": 301056},
                }
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode(),
    "no JSON": b"flow",
    "empty": b"",
    "too large": json.dumps(described(np.full((1, 2, 112, 112), 1e38, np.float32))).encode(),
}


def request(name: str) -> tuple[InferenceJob, bytes]:
    body = BODIES[name]
    if name != "binary":
        return InferenceJob(None), body
    return InferenceJob(str(len(body))), body + some_flows(3).tobytes()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(list(BODIES)), min_size=1, max_size=6))
def test_each_outcome_is_that_of_the_request_alone(names: list[str]) -> None:
    """Valid or not, in JSON or binary, with any number of flows and any outputs."""
    requests = [request(name) for name in names]
    batch = InferenceBatch([job for job, _ in requests], [len(body) for _, body in requests])
    outcomes = batch(recognizer(), NO_REPORT, b"".join(body for _, body in requests))
    assert len(outcomes) == len(names)
    for (job, body), outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, Failure):
            with pytest.raises(InferenceRequestError) as alone:
                job(recognizer(), NO_REPORT, body)
            assert outcome == Failure.of(alone.value)
        else:
            check_same(outcome.reply, job(recognizer(), NO_REPORT, body).reply)


def check_same(found: Reply, alone: Reply) -> None:
    """The network rounds differently in a run of several flows."""
    np.testing.assert_allclose(
        np.frombuffer(found.binary, "<f4"), np.frombuffer(alone.binary, "<f4"), rtol=0, atol=1e-6
    )
    first, second = json.loads(found.header), json.loads(alone.header)
    for one, other in zip(first.pop("outputs"), second.pop("outputs"), strict=True):
        np.testing.assert_allclose(one.pop("data", []), other.pop("data", []), rtol=0, atol=1e-6)
        assert one == other
    assert first == second
