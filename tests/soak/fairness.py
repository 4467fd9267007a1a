"""One polite client next to a hundred connections of another, for longer than in a test."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import tempfile
import time
from pathlib import Path

from tests.api.test_fairness import From, request
from tests.soak.part import Part
from tests.support.serving import Server, serving

GREEDY_CONNECTIONS = 100
WORKERS = 2
EQUAL_SHARE = 0.5
PROMISED = EQUAL_SHARE / 2
PAUSE_S = 0.02


def run(seconds: float) -> Part:
    """A polite client sends one request at a time for this long; its share of good answers."""
    part = Part(f"fairness, {GREEDY_CONNECTIONS} greedy connections and a polite one")
    with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=WORKERS) as server:
        # In a process of their own: the polite client must not wait for them on its own side.
        greedy = multiprocessing.get_context("spawn").Process(
            target=_ask_greedily, args=(server.port,), daemon=True
        )
        greedy.start()
        while _answers(server) < GREEDY_CONNECTIONS:
            time.sleep(0.1)
        before = _answers(server)
        good, sent = asyncio.run(_ask_politely(server.port, seconds))
        total = _answers(server) - before
        greedy.kill()
        greedy.join()
    part.check(
        good >= PROMISED * total, f"the polite client got {good / total:.0%}, not {PROMISED:.0%}"
    )
    part.summary = (
        f"{good} of {total} answers, {good / total:.0%}, to the polite client, which sent {sent}"
    )
    return part


def _ask_greedily(port: int) -> None:
    async def connection() -> None:
        link = From(port, "127.0.0.2")
        while True:
            if (await link.ask(request())).status != 200:
                await asyncio.sleep(PAUSE_S)

    async def all_connections() -> None:
        await asyncio.gather(*(connection() for _ in range(GREEDY_CONNECTIONS)))

    asyncio.run(all_connections())


async def _ask_politely(port: int, seconds: float) -> tuple[int, int]:
    """The good answers, and the requests."""
    link, sent, good = From(port, "127.0.0.3"), 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sent += 1
        if (await link.ask(request())).status == 200:
            good += 1
        else:
            await asyncio.sleep(PAUSE_S)
    return good, sent


def _answers(server: Server) -> int:
    """The good answers of the route so far, as the server counts them."""
    with server.client() as http:
        exposed = http.get("/metrics").text
    found = re.search(r'^off_tanet_requests_total{code="200",.*/frames"} (\S+)$', exposed, re.M)
    return int(float(found[1])) if found else 0
