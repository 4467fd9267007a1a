"""SIGKILL of workers under load: the lost requests, and the time until the rate has recovered."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import load
from tests.benchmarks.bench_serve import framed
from tests.soak.part import Part
from tests.support.processes import workers_of
from tests.support.serving import Server, serving

WORKERS = 2
PAUSE_S = 5.0
WINDOW_S = 0.5
FULL = 0.9  # of the rate in the two seconds before the kill
BOUND_S = 2.0


def run(kills: int) -> Part:
    """One worker every five seconds, with four clients that send as fast as they are answered."""
    part = Part(f"killing, {kills} workers under load")
    parts = {"onset": framed("surprise_onset.jpg"), "apex": framed("surprise_apex.jpg")}
    request = load.upload("/v1/predictions/frames", parts)
    with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=WORKERS) as server:
        replies, killed = asyncio.run(_under_fire(server, request, kills))
    failed = [reply for reply in replies if reply.status != 200]
    ends = np.array(sorted(reply.ended for reply in replies if reply.status == 200))
    recovered = [_recovery_s(ends, moment) for moment in killed]
    worst = max(recovered)
    part.say(f"{len(replies)} requests, {kills} kills, {len(failed)} failed")
    part.say(f"back to full rate after {np.median(recovered):.2f} s, at most {worst:.2f} s")
    part.check(len(failed) <= kills, f"{len(failed)} requests failed for {kills} kills")
    refused = all(reply.status == 503 and reply.retry_after for reply in failed)
    part.check(refused, "a failure was not a 503 with Retry-After")
    part.check(worst <= BOUND_S, f"it took {worst:.2f} s to be back to full rate")
    part.summary = f"{len(failed)} failed, back to full rate in {worst:.2f} s at most"
    return part


async def _under_fire(
    server: Server, request: bytes, kills: int
) -> tuple[list[load.Reply], list[float]]:
    """The responses, and the times of the kills by the same clock."""
    killed: list[float] = []

    async def shoot() -> None:
        for _ in range(kills):
            await asyncio.sleep(PAUSE_S)
            killed.append(time.perf_counter())
            os.kill(workers_of(server.process.pid)[0], signal.SIGKILL)

    seconds = PAUSE_S * (kills + 1)
    loop = load.closed_loop(server.port, request, 2 * WORKERS, seconds)
    replies, _ = await asyncio.gather(loop, shoot())
    return replies, killed


def _recovery_s(ends: NDArray[np.float64], killed: float) -> float:
    """From the kill to the end of the first window, in steps of a tenth, with the full rate."""

    def rate(start: float, length: float) -> float:
        return float(((ends >= start) & (ends < start + length)).sum()) / length

    full = FULL * rate(killed - 2.0, 2.0)
    starts = killed + np.arange(0, PAUSE_S - WINDOW_S, 0.1)
    return next(
        (start - killed + WINDOW_S for start in starts if rate(start, WINDOW_S) >= full), PAUSE_S
    )
