"""How long each bomb takes, and how much memory: of the server and of its worker."""

from __future__ import annotations

import asyncio
import json
import statistics
from dataclasses import dataclass

from tests.benchmarks import load
from tests.bombs import Bomb
from tests.processes import forget_peak, peak_bytes, resident_bytes, workers_of
from tests.serving import Server


@dataclass(frozen=True, slots=True)
class Blast:
    """A bomb's answer, its median seconds, and what the processes grew by at most, in bytes."""

    status: int
    limit: str | None
    seconds: float
    server_bytes: int
    worker_bytes: int


def explode(server: Server, bomb: Bomb, times: int = 1) -> Blast:
    """Send a bomb several times to a server with one worker."""
    (worker,) = workers_of(server.process.pid)
    processes = (server.process.pid, worker)
    before = [resident_bytes(process) for process in processes]
    for process in processes:
        forget_peak(process)
    replies = asyncio.run(_ask(server.port, bomb.request, times))
    grown = [peak_bytes(process) - held for process, held in zip(processes, before, strict=True)]
    told = json.loads(replies[-1].body)
    seconds = statistics.median(reply.seconds for reply in replies)
    return Blast(replies[-1].status, told.get("limit"), seconds, *grown)


async def _ask(port: int, request: bytes, times: int) -> list[load.Reply]:
    connection = load.Connection(port)
    replies = [await connection.ask(request) for _ in range(times)]
    connection.close()
    return replies
