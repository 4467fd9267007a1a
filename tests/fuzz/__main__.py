"""Thousands of mutated uploads against a real server.

    python -m tests.fuzz            (20,000 requests; talks to loopback only)

A case is named by two numbers, as in `4:1234`; `--only 1234` sends that one again.
"""

from __future__ import annotations

import argparse
import sys

from tests.soak import fuzzing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--only", type=int, help="the index of a single case")
    options = parser.parse_args()
    indices = range(options.count)
    if options.only is not None:
        indices = range(options.only, options.only + 1)
    part = fuzzing.run(options.seed, indices)
    print("\n".join([f"faults: {len(part.faults)}", *part.faults]))
    return 1 if part.faults else 0


if __name__ == "__main__":
    sys.exit(main())
