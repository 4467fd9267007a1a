"""Thousands of mutated uploads: every one is answered, and none leaves anything behind.

A case is named by two numbers, as in `4:1234`, which repeat it:

    python -m tests.soak.fuzzing 4 1234
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.fuzz import checks
from tests.fuzz.sender import send_all
from tests.soak.part import Part
from tests.support.serving import serving

DEADLINE_S = 10.0
SETTLED_AFTER = 1000
MOST_GROWTH = 1.10


def run(seed: int, indices: range) -> Part:
    """The cases `seed`:`index`, and the memory after the first thousand and at the end."""
    part = Part(f"fuzz, seed {seed}, {len(indices)} mutated uploads")
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
        part.faults += [f"{name} {fault}" for name, fault in tally.faults.items()]
        part.faults += checks.unexplained(server, tally)
    for line in tally.table():
        part.say(line)
    for when, memory in ((f"after {SETTLED_AFTER}", before), ("at the end", after)):
        each = ", ".join(f"{size:.0f}" for size in memory)
        part.say(f"resident {when}: {sum(memory):.0f} MB (server and workers: {each})")
    part.say(f"slowest answer {tally.slowest_s:.2f} s")
    part.check(sum(after) <= MOST_GROWTH * sum(before), "the memory grew by more than a tenth")
    part.summary = (
        f"{tally.server_errors} x 5xx, {tally.total(504)} deadlines, "
        f"{sum(before):.0f} MB then {sum(after):.0f} MB"
    )
    return part


if __name__ == "__main__":
    seed, index = map(int, sys.argv[1:])
    print(run(seed, range(index, index + 1)).faults)
