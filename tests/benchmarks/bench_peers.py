"""Our service beside other model servers with the same Recognizer inside: `make bench-peers`.

    python -m tests.benchmarks.bench_peers [--rounds N] [--seconds S] [--only NAME ...]

Each has two workers; the load takes part of the same cores. The first run installs the others into
`build/peers`. All servers take turns in each round; the figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from off_tanet.setting_names import variable

from tests.benchmarks import load
from tests.benchmarks.bench_serve import framed
from tests.benchmarks.peers.servers import PEERS, Peer
from tests.support.paths import ROOT
from tests.support.processes import family

CLIENTS = (1, 4, 40)
RETRY_S = 0.02  # the pause of a client that was refused
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Load:
    """What some clients saw: answers a second, their times in milliseconds, and all statuses."""

    rate: float
    p50_ms: float
    p99_ms: float
    statuses: Counter[int]


@dataclass(frozen=True)
class Round:
    """The figures of one server in one round."""

    first_s: float
    memory_mb: float
    loads: dict[int, Load]

    @property
    def goodput(self) -> float:
        """The answers of 40 clients as a share of those of 4."""
        return self.loads[40].rate / self.loads[4].rate


@contextmanager
def running(peer: Peer) -> Iterator[tuple[int, int, float]]:
    """The port and the process of a server, and when it was started."""
    programs = peer.programs()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "TMPDIR": home, variable("workers"): "2"}
        environment |= {"PYTHONPATH": str(ROOT), "BENTOML_DO_NOT_TRACK": "true"}
        command = peer.command(programs, port, Path(home))
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield port, process.pid, start
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


async def first_answer(port: int, request: bytes) -> float:
    """When the first good answer has come; asks again every 20 ms."""
    give_up = time.perf_counter() + _PATIENCE_S
    while time.perf_counter() < give_up:
        connection = load.Connection(port)
        try:
            if (await connection.ask(request)).status == 200:
                return time.perf_counter()
        except (OSError, EOFError):
            pass  # it does not listen yet
        finally:
            connection.close()
        await asyncio.sleep(RETRY_S)
    raise TimeoutError("the server gave no answer")


def proportional_mb(process: int) -> float:
    """The memory of a process and its descendants; what they share is counted once."""
    total = 0
    for pid in family(process):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        total += sum(map(int, re.findall(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)))
    return total / 1000


def under(port: int, request: bytes, clients: int, seconds: float) -> Load:
    start = time.perf_counter()
    replies = asyncio.run(load.closed_loop(port, request, clients, seconds, RETRY_S))
    took = time.perf_counter() - start
    times = np.array([reply.seconds for reply in replies if reply.status == 200]) * 1e3
    p50, p99 = np.percentile(times, [50, 99])
    return Load(len(times) / took, p50, p99, Counter(reply.status for reply in replies))


def measure(peer: Peer, onset: bytes, apex: bytes, seconds: float) -> Round:
    request = peer.request(onset, apex)
    with running(peer) as (port, process, start):
        first_s = asyncio.run(first_answer(port, request)) - start
        under(port, request, 4, 1.0)  # both workers are warm
        loads = {clients: under(port, request, clients, seconds) for clients in CLIENTS}
        return Round(first_s, proportional_mb(process), loads)


def report(name: str, rounds: Sequence[Round]) -> None:
    def middle(values: Iterator[float]) -> float:
        return statistics.median(values)

    first = middle(each.first_s for each in rounds)
    memory = middle(each.memory_mb for each in rounds)
    goodput = middle(each.goodput for each in rounds)
    print(f"{name}: first answer {first:.1f} s, memory {memory:.0f} MB, goodput {goodput:.2f}")
    for clients in CLIENTS:
        loads = [each.loads[clients] for each in rounds]
        rates = sorted(each.rate for each in loads)
        statuses = sum((each.statuses for each in loads), Counter[int]())
        print(
            f"  {clients:2} clients: {middle(iter(rates)):6.1f}/s ({rates[0]:.1f} to "
            f"{rates[-1]:.1f}), p50 {middle(each.p50_ms for each in loads):.1f} ms, "
            f"p99 {middle(each.p99_ms for each in loads):.1f} ms, {dict(statuses)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument("--only", nargs="+", default=[peer.name for peer in PEERS])
    options = parser.parse_args()
    onset, apex = framed("surprise_onset.jpg"), framed("surprise_apex.jpg")
    peers = [peer for peer in PEERS if peer.name in options.only]
    rounds: dict[str, list[Round]] = {peer.name: [] for peer in peers}
    for _ in range(options.rounds):
        for peer in peers:
            rounds[peer.name].append(measure(peer, onset, apex, options.seconds))
    for name, measured in rounds.items():
        report(name, measured)


if __name__ == "__main__":
    main()
