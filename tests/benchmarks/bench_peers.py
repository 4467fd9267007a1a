"""Our service beside other model servers with the same Recognizer inside: `make bench-peers`.

    python -m tests.benchmarks.bench_peers [--rounds N] [--seconds S] [--only NAME ...]

Three tables: pictures, and optical flow in the Open Inference Protocol, in JSON and in binary. Each
server has two workers; the load takes part of the same cores. The first run installs the others
into `build/peers`. All servers take turns in each round, in the opposite order in every second one;
the figures are medians over the rounds (least to most), and each ratio is one of the same round.
Takes nine minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from off_tanet.setting_names import variable

from tests.benchmarks import load
from tests.benchmarks.peers.flow_servers import BINARY_PEERS, JSON_PEERS
from tests.benchmarks.peers.picture_servers import PEERS
from tests.benchmarks.peers.servers import Peer
from tests.support.paths import ROOT
from tests.support.processes import family
from tests.support.serving import free_port

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


class FailedServerError(Exception):
    """A server cannot be installed, does not start or does not answer; the message is one line."""


@contextmanager
def running(peer: Peer) -> Iterator[tuple[int, int, float]]:
    """The port and the process of a server, and when it was started."""
    programs = peer.programs()
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "TMPDIR": home, "HOME": home, variable("workers"): "2"}
        environment |= {"PYTHONPATH": str(ROOT), "BENTOML_DO_NOT_TRACK": "true"}
        command = peer.command(programs, port, Path(home))
        with Path(home, "log").open("w+") as log:
            start = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=home, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            try:
                yield port, process.pid, start
            except (TimeoutError, FailedServerError) as error:
                log.seek(0)
                lines = [line for line in log if "rror" in line] or ["nothing of an error"]
                raise FailedServerError(f"{error}; it printed: {lines[-1][:300]}") from None
            finally:
                stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
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
    raise TimeoutError("no good answer")


def proportional_mb(processes: Sequence[int]) -> float:
    """The memory of processes; what they share with each other is counted once."""
    total = 0
    for pid in processes:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        total += sum(map(int, re.findall(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)))
    return total / 1000


def under(port: int, request: bytes, clients: int, seconds: float) -> Load:
    start = time.perf_counter()
    replies = asyncio.run(load.closed_loop(port, request, clients, seconds, RETRY_S))
    took = time.perf_counter() - start
    times = np.array([reply.seconds for reply in replies if reply.status == 200]) * 1e3
    if not len(times):
        raise FailedServerError(f"no good answer to {clients} clients")
    p50, p99 = np.percentile(times, [50, 99])
    return Load(len(times) / took, p50, p99, Counter(reply.status for reply in replies))


def measure(peer: Peer, seconds: float) -> Round:
    request = peer.request()
    with running(peer) as (port, process, start):
        first_s = asyncio.run(first_answer(port, request)) - start
        under(port, request, 4, 1.0)  # both workers are warm
        loads = {clients: under(port, request, clients, seconds) for clients in CLIENTS}
        return Round(first_s, proportional_mb(family(process)), loads)


def measure_all(peers: Sequence[Peer], rounds: int, seconds: float) -> dict[str, list[Round]]:
    """The rounds of each server; one that fails is told of and left out from then on."""
    measured: dict[str, list[Round]] = {peer.name: [] for peer in peers}
    failed = set[str]()
    for number in range(rounds):
        for peer in peers if number % 2 == 0 else reversed(peers):
            if peer.name in failed:
                continue
            try:
                measured[peer.name].append(measure(peer, seconds))
            except (FailedServerError, subprocess.CalledProcessError) as error:
                print(f"{peer.name} is left out: {error}", flush=True)
                failed.add(peer.name)
    return {name: each for name, each in measured.items() if name not in failed}


LINES: Mapping[str, Callable[[Round], float]] = {
    "first answer, s": lambda each: each.first_s,
    "memory, MB": lambda each: each.memory_mb,
    **{
        f"{clients} clients, {what}": lambda each, clients=clients, field=field: getattr(  # type: ignore[misc]
            each.loads[clients], field
        )
        for clients in CLIENTS
        for what, field in (("answers/s", "rate"), ("p50, ms", "p50_ms"), ("p99, ms", "p99_ms"))
    },
    "answers of 40 clients / of 4": lambda each: each.goodput,
}


def report(measured: Mapping[str, Sequence[Round]], ours: str) -> None:
    """Print a table, with the ratio of each server to ours."""
    for name, rounds in measured.items():
        compared = name != ours and ours in measured
        print(f"{name}{f' (in brackets: of {ours!r})' if compared else ''}")
        for line, figure in LINES.items():
            values = [figure(each) for each in rounds]
            ratio = ""
            if compared:
                pairs = zip(values, map(figure, measured[ours]), strict=True)
                ratio = f"  [{spread([theirs / own for theirs, own in pairs], 2)}]"
            print(f"  {line:30} {spread(values, 1 if max(values) > 5 else 2)}{ratio}")
        for clients in CLIENTS:
            statuses = sum((each.loads[clients].statuses for each in rounds), Counter[int]())
            print(f"  {f'{clients} clients, statuses':30} {dict(statuses)}")


def spread(values: Sequence[float], digits: int) -> str:
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load")
    parser.add_argument("--only", nargs="+", help="names of servers")
    options = parser.parse_args()
    for table in (PEERS, JSON_PEERS, BINARY_PEERS):
        peers = [peer for peer in table if options.only is None or peer.name in options.only]
        report(measure_all(peers, options.rounds, options.seconds), table[0].name)


if __name__ == "__main__":
    main()
