"""The tests that take too long for every commit.

    make soak           (about half an hour on two idle cores; uses loopback only)

`--part fuzz --scale 0.01` runs one of them, with a hundredth of the cases.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from tests.soak import attacks, bombing, contract, crossing, fairness, fuzzing, killing, steady
from tests.soak.part import Part

PARTS: dict[str, Callable[[float], Part]] = {
    "fuzz": lambda scale: fuzzing.run(4, range(int(20_000 * scale))),
    "bombs": lambda _: bombing.run(),
    "contract": lambda scale: contract.run(max(1, int(200 * scale))),
    "crossing": lambda scale: crossing.run(int(5_000 * scale)),
    "fairness": lambda scale: fairness.run(60 * scale),
    "attacks": lambda _: attacks.run(),
    "killing": lambda scale: killing.run(max(1, int(10 * scale))),
    "steady": lambda scale: steady.run(int(20_000 * scale)),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append", help="this one; more than once")
    parser.add_argument("--scale", type=float, default=1.0, help="how long, as a factor")
    options = parser.parse_args()
    done: list[tuple[Part, float]] = []
    for name in options.part or PARTS:
        print(name, flush=True)
        started = time.monotonic()
        done.append((PARTS[name](options.scale), time.monotonic() - started))
    print()
    for part, seconds in done:
        verdict = "good" if not part.faults else f"{len(part.faults)} FAULTS"
        print(f"{part.name:48} {seconds:6.0f} s  {verdict:9}  {part.summary}")
        print("".join(f"    {fault}\n" for fault in part.faults[:50]), end="")
    return 1 if any(part.faults for part, _ in done) else 0


if __name__ == "__main__":
    sys.exit(main())
