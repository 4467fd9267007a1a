"""Many good requests, one after the other: the memory must not grow with them."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import load
from tests.benchmarks.bench_serve import framed
from tests.soak.part import Part
from tests.support.processes import resident_bytes, workers_of
from tests.support.serving import Server, serving

WORKERS = 2
SAMPLE_S = 1.0
MOST_GROWTH = 0.02  # of the median of the first quarter


def run(count: int) -> Part:
    """`count` pairs of 640 x 480 JPEG; the memory of each process, sampled every second."""
    part = Part(f"steady, {count} good requests")
    parts = {"onset": framed("surprise_onset.jpg"), "apex": framed("surprise_apex.jpg")}
    request = load.upload("/v1/predictions/frames", parts)
    with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=WORKERS) as server:
        asyncio.run(load.counted_loop(server.port, request, 2 * WORKERS, 50 * WORKERS))
        replies, sizes = asyncio.run(_watched(server, request, count))
    good = sum(reply.status == 200 for reply in replies)
    took = max(reply.ended for reply in replies) - min(r.ended - r.seconds for r in replies)
    part.say(f"{good} of {len(replies)} answered with 200, {len(replies) / took:.1f}/s")
    part.check(good == count, f"{count - good} requests failed")
    names = ["server", *(f"worker {index + 1}" for index in range(WORKERS))]
    for name, memory in zip(names, sizes.T, strict=True):
        growth = _told(part, name, memory, count)
        part.check(abs(growth) < MOST_GROWTH or growth < 0, f"{name} grew by {growth:.1%}")
    part.summary = (
        f"{good} x 200, {sizes[0].sum():.0f} MB at first, {sizes[-1].sum():.0f} MB at last"
    )
    return part


def _told(part: Part, name: str, memory: NDArray[np.float64], count: int) -> float:
    """Growth from the first to the last quarter, as a fraction."""
    quarter = max(1, len(memory) // 4)
    first, last = np.median(memory[:quarter]), np.median(memory[-quarter:])
    slope = np.polyfit(np.linspace(0, count / 1000, len(memory)), memory, 1)[0]
    part.say(
        f"{name}: {first:.1f} MB in the first quarter, {last:.1f} MB in the last, "
        f"slope {slope:+.3f} MB per 1,000 requests ({len(memory)} samples)"
    )
    return float(last / first - 1)


async def _watched(
    server: Server, request: bytes, count: int
) -> tuple[list[load.Reply], NDArray[np.float64]]:
    """The responses, and megabytes [samples, 1 + workers]."""
    processes = [server.process.pid, *workers_of(server.process.pid)]
    samples: list[list[float]] = []

    async def watch() -> None:
        while True:
            samples.append([resident_bytes(process) / 1e6 for process in processes])
            await asyncio.sleep(SAMPLE_S)

    watching = asyncio.create_task(watch())
    replies = await load.counted_loop(server.port, request, 2 * WORKERS, count)
    watching.cancel()
    return replies, np.array(samples)
