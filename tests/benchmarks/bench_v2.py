"""Where the time of a request on `/v2` goes: `make bench-v2 [SECONDS=4]`.

Milliseconds of processor time, which other processes on the machine change little: first of the
steps of a worker, in this process; then of all processes for each answer of a service with two
workers, without and with dynamic batching, in turns. Compare them on one machine only.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from off_tanet.limits import BatchingLimits
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.schemas import oip_codec
from off_tanet.workers.jobs import InferenceJob

from tests.benchmarks import load
from tests.benchmarks.bench_peers import RETRY_S
from tests.benchmarks.peers.flow_servers import BINARY_PEERS, JSON_PEERS
from tests.support.processes import family
from tests.support.serving import serving

BATCHES = (1, 4, 8)
CLIENTS = (1, 4, 40)
ROUNDS = 3
NO_REPORT: Any = None
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class _Tensor(msgspec.Struct):
    data: list[float]


class _Request(msgspec.Struct):
    inputs: tuple[_Tensor]


def thread_ms(work: Callable[[], object], runs: int = 40) -> str:
    """The median and the 10th to the 90th percentile over some runs, after two warm-ups."""
    times = []
    for _ in range(runs + 2):
        start = time.thread_time()
        work()
        times.append((time.thread_time() - start) * 1e3)
    low, middle, high = np.percentile(times[2:], [10, 50, 90])
    return f"{middle:.3f} ({low:.3f}-{high:.3f})"


def print_steps() -> None:
    recognizer = Recognizer()
    body = JSON_PEERS[0].request().partition(b"\r\n\r\n")[2]
    flow = oip_codec.parse(body, None, 1).flows
    decoder = msgspec.json.Decoder(_Request)
    lines: dict[str, Callable[[], object]] = {
        "decode JSON": lambda: oip_codec.parse(body, None, 1),
        "the same by msgspec and NumPy": lambda: np.array(
            decoder.decode(body).inputs[0].data, np.float32
        ),
        "a whole request in JSON": lambda: InferenceJob(None)(recognizer, NO_REPORT, body),
    }
    for count in BATCHES:
        flows = np.repeat(flow, count, 0)
        lines[f"network, {count} flows"] = lambda flows=flows: recognizer.classify(flows)  # type: ignore[misc]
    for name, work in lines.items():
        print(f"  {name:32}{thread_ms(work)}")


@contextmanager
def service(batched: int) -> Iterator[tuple[int, int]]:
    """The port and the process of a service that answers so many requests together."""
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home), workers=2, max_batched_requests=batched) as server,
    ):
        yield server.port, server.process.pid


def used_s(process: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def under(
    port: int, process: int, request: bytes, clients: int, seconds: float
) -> tuple[list[float], Counter[int]]:
    """Milliseconds an answer of the server, of its workers, of the load and of all of them."""
    members = family(process)
    before, own = [used_s(each) for each in members], time.process_time()
    replies = asyncio.run(load.closed_loop(port, request, clients, seconds, RETRY_S))
    own = time.process_time() - own
    server, *workers = (used_s(each) - start for each, start in zip(members, before, strict=True))
    statuses = Counter(reply.status for reply in replies)
    parts = [server, sum(workers), own]
    return [1e3 * part / statuses[200] for part in (*parts, sum(parts))], statuses


def print_served(seconds: float) -> None:
    requests = {"JSON": JSON_PEERS[0].request(), "binary": BINARY_PEERS[0].request()}
    with ExitStack() as stack:
        services = {
            "single": stack.enter_context(service(1)),
            "batched": stack.enter_context(service(BatchingLimits().requests)),
        }
        for kind, request in requests.items():
            for clients in CLIENTS:
                costs: dict[str, list[list[float]]] = {name: [] for name in services}
                statuses = {name: Counter[int]() for name in services}
                for _ in range(ROUNDS):
                    for name, (port, process) in services.items():
                        cost, seen = under(port, process, request, clients, seconds / ROUNDS)
                        costs[name].append(cost)
                        statuses[name] += seen
                for name in services:
                    cells = [statistics.median(part) for part in zip(*costs[name], strict=True)]
                    print(
                        f"  {kind:7}{clients:3} clients  {name:8}"
                        + "".join(f"{cell:9.2f}" for cell in cells)
                        + f"  {dict(statuses[name])}",
                        flush=True,
                    )


def main(arguments: Sequence[str]) -> None:
    print("ms of processor time of one thread: median (10th-90th percentile)")
    print_steps()
    print("ms of processor time an answer: server, workers, load, all; statuses")
    print_served(float(arguments[0]) if arguments else 4.0)


if __name__ == "__main__":
    main(sys.argv[1:])
