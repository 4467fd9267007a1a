"""Thousands of mutated uploads against a real server.

    python -m tests.fuzz            (20,000 requests; talks to loopback only)

A case is named by two numbers, as in `4:1234`; `--only 1234` sends that one again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import checks
from tests.fuzz.sender import Tally, send_all
from tests.serving import serving

DEADLINE_S = 10.0
SETTLED_AFTER = 1000
MEMORY_BOUND = 1.10


def told(name: str, memory: list[float]) -> str:
    each = ", ".join(f"{size:.0f}" for size in memory)
    return f"resident memory {name}: {sum(memory):.0f} MB (server and workers: {each})"


def run(seed: int, indices: range) -> tuple[Tally, list[str]]:
    """Send the cases; the tally and every fault, memory and workers included."""
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home), workers=checks.WORKERS, deadline_s=DEADLINE_S) as server,
    ):
        tally = send_all(server.port, seed, indices[:SETTLED_AFTER], DEADLINE_S)
        checks.check_sample(server)
        before = checks.resident_megabytes(server)
        tally.add(send_all(server.port, seed, indices[SETTLED_AFTER:], DEADLINE_S))
        checks.check_sample(server)
        after = checks.resident_megabytes(server)
        faults = [f"{name} {fault}" for name, fault in tally.faults.items()]
        faults += checks.unexplained(server, tally)
    print(told(f"after {SETTLED_AFTER}", before), told("at the end", after), sep="\n")
    if sum(after) > MEMORY_BOUND * sum(before):
        faults.append("the memory grew by more than a tenth")
    return tally, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--only", type=int, help="the index of a single case")
    options = parser.parse_args()
    indices = range(options.count)
    if options.only is not None:
        indices = range(options.only, options.only + 1)
    print(f"fuzz: seed {options.seed}, {len(indices)} cases", flush=True)
    started = time.monotonic()
    tally, faults = run(options.seed, indices)
    print(tally.table())
    print(f"slowest answer {tally.slowest_s:.2f} s, {time.monotonic() - started:.0f} s in all")
    print("\n".join([f"faults: {len(faults)}", *faults[:50]]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
