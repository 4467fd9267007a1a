"""The time and memory that each bomb takes, of the server and of its worker."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import load
from tests.soak.part import Part
from tests.support.bombs import Bomb, bombs
from tests.support.processes import (
    forget_peak,
    peak_bytes,
    processor_seconds,
    resident_bytes,
    workers_of,
)
from tests.support.serving import Server, serving

TIMES = 10
BOUND_S = 0.2
BOUND_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Blast:
    """A bomb's status, its median seconds, and its cost for the server and its worker.

    `processor_s` is the mean processor time of both; the bytes are the growth of each.
    """

    status: int
    limit: str | None
    seconds: float
    processor_s: float
    server_bytes: int
    worker_memory_bytes: int


def explode(server: Server, bomb: Bomb, times: int = 1) -> Blast:
    """Send a bomb several times to a server with one worker."""
    (worker,) = workers_of(server.process.pid)
    processes = (server.process.pid, worker)
    before = [resident_bytes(process) for process in processes]
    for process in processes:
        forget_peak(process)
    spent = sum(map(processor_seconds, processes))
    replies = asyncio.run(_ask(server.port, bomb.request, times))
    grown = [peak_bytes(process) - held for process, held in zip(processes, before, strict=True)]
    spent = (sum(map(processor_seconds, processes)) - spent) / times
    problem = json.loads(replies[-1].body)
    seconds = statistics.median(reply.seconds for reply in replies)
    return Blast(replies[-1].status, problem.get("limit"), seconds, spent, *grown)


def run() -> Part:
    """Every bomb, several times; refusals must be immediate."""
    part = Part(f"bombs, {len(bombs())} kinds, {TIMES} times each")
    refused_s: list[float] = []
    with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=1) as server:
        for name, bomb in bombs().items():
            blast = explode(server, bomb, TIMES)
            part.say(
                f"{name:28} {len(bomb.request) / 1e6:5.2f} MB: {blast.status} {blast.limit or ''} "
                f"in {blast.seconds * 1e3:.0f} ms ({blast.processor_s * 1e3:.0f} ms of processor), "
                f"server +{blast.server_bytes / 1e6:.0f} MB, "
                f"worker +{blast.worker_memory_bytes / 1e6:.0f}"
            )
            part.check((blast.status, blast.limit) == (bomb.status, bomb.limit), f"{name}: status")
            part.check(
                max(blast.server_bytes, blast.worker_memory_bytes) < BOUND_BYTES, f"{name}: memory"
            )
            if bomb.status == 413:
                refused_s.append(blast.seconds)
                part.check(blast.seconds < BOUND_S, f"{name}: {blast.seconds * 1e3:.0f} ms")
    part.summary = f"413 in at most {max(refused_s) * 1e3:.0f} ms"
    return part


async def _ask(port: int, request: bytes, times: int) -> list[load.Reply]:
    connection = load.Connection(port)
    replies = [await connection.ask(request) for _ in range(times)]
    connection.close()
    return replies
