"""From the start to the first good answer, and the memory then: `make bench-start`.

    python -m tests.benchmarks.bench_start [--rounds N] [--other CHECKOUT]

Starts our service and a plain FastAPI application with the same Recognizer in turns, each with two
workers, in the opposite order in every second round; with `--other`, also the service of another
checkout, which has an environment in `.venv`. Prints medians over the rounds (least to most).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.bench_peers import first_answer, proportional_mb, running, spread
from tests.benchmarks.peers.picture_servers import PEERS
from tests.benchmarks.peers.servers import Peer
from tests.support.processes import family, processor_seconds

OURS, PLAIN = PEERS[:2]


@dataclass(frozen=True)
class Start:
    """The figures of one start.

    Attributes:
        first_s: Seconds to the first good answer.
        processor_s: Processor time of all processes until then.
        server_mb: Memory of the first process; what it shares is divided among those that share it.
        all_mb: Memory of all processes.
    """

    first_s: float
    processor_s: float
    server_mb: float
    all_mb: float


def start_once(peer: Peer) -> Start:
    """Start a server and ask it once."""
    request = peer.request()
    with running(peer) as (port, process, start):
        first_s = asyncio.run(first_answer(port, request)) - start
        processes = family(process)
        return Start(
            first_s,
            sum(processor_seconds(each, with_ended=True) for each in processes),
            proportional_mb([process]),
            proportional_mb(processes),
        )


def of_checkout(folder: Path) -> Peer:
    """Return our service as another checkout has it."""
    program = str(folder.absolute() / ".venv/bin/off-tanet")
    return replace(
        OURS,
        name=f"ours in {folder}",
        command=lambda _programs, port, _home: [program, "serve", "--port", str(port)],
    )


def report(name: str, starts: Sequence[Start]) -> None:
    print(name)
    print(f"  first answer, s      {spread([each.first_s for each in starts], 2)}")
    print(f"  processor time, s    {spread([each.processor_s for each in starts], 2)}")
    print(f"  server, MB           {statistics.median(each.server_mb for each in starts):.0f}")
    print(f"  all processes, MB    {spread([each.all_mb for each in starts], 0)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--other", type=Path, help="another checkout")
    options = parser.parse_args()
    peers = [OURS, PLAIN]
    if options.other is not None:
        peers.append(of_checkout(options.other))
    starts: dict[str, list[Start]] = {peer.name: [] for peer in peers}
    for number in range(options.rounds):
        for peer in peers if number % 2 == 0 else reversed(peers):
            starts[peer.name].append(start_once(peer))
    for name, each in starts.items():
        report(name, each)


if __name__ == "__main__":
    main()
