"""What one polite client gets beside a hundred connections of another, for longer than a test."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.api.test_fairness import request, shares
from tests.serving import serving
from tests.soak.part import Part

GREEDY_CONNECTIONS = 100
WORKERS = 2
EQUAL_SHARE = 0.5
PROMISED = EQUAL_SHARE / 2


def run(answers: int) -> Part:
    """Until the polite client, which asks one thing at a time, has so many answers."""
    part = Part(f"fairness, {GREEDY_CONNECTIONS} greedy connections and a polite one")
    with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=WORKERS) as server:
        clients = {
            "greedy": (GREEDY_CONNECTIONS, "127.0.0.2", request()),
            "polite": (1, "127.0.0.3", request()),
        }
        served = asyncio.run(shares(server.port, clients, answers))
    share = served["polite"] / served.total()
    part.check(share >= PROMISED, f"the polite client got {share:.0%}, less than {PROMISED:.0%}")
    part.summary = f"{served['polite']} of {served.total()} answers, {share:.0%}, to the polite one"
    return part
