"""Make `unit_priors.json`: how often action units were coded with each class, in other people.

    python -m off_tanet_export.synthesis.prior_table COUNTS.csv

COUNTS.csv counts the annotations of two public data sets of micro-expressions, CAS(ME)3 part A and
DFME: columns `source`, `action_units` (such as 4+7), `class`, `clips` and
`clips_with_a_one_sided_unit`. Neither data set shares people with MEGC2019. The table has smoothed
shares alone, no count and no clip:

- Clips of other classes, and units that are not modelled, are left out. Units that move the same
  skin are joined (`JOINED`).
- A combination's share of a class is the mean of both data sets' shares, weighted by the square
  root of their clips of the class: between one vote for each data set and one for each clip.
- Combinations of fewer than `LEAST_CLIPS` clips are left out.
- Shares are shrunk to the mean of the three classes by the weight of one clip, as a combination
  that was coded a few times is no evidence against the classes that it was not coded with.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES

from off_tanet_export.synthesis.action_units import ALL_UNITS

TABLE = Path(__file__).with_name("unit_priors.json")
LEAST_CLIPS = 4
JOINED = {"22": "18", "28": "24"}
ONE_SIDED_CLIPS = (1.0, 10.0)
"""One-sided and all clips that are added to each combination: a tenth, by the weight of ten."""

Units = tuple[str, ...]
Counts = dict[Units, NDArray[np.float64]]
"""For each combination, the clips of each class and those with a one-sided unit, [4]."""


def read_counts(path: Path) -> dict[str, Counts]:
    """Read the counts of each source."""
    counts: dict[str, Counts] = defaultdict(lambda: defaultdict(lambda: np.zeros(4)))
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            units = _modelled(row["action_units"])
            if row["class"] not in CLASSES or not units:
                continue
            entry = counts[row["source"]][units]
            entry[CLASSES.index(row["class"])] += int(row["clips"])
            entry[3] += int(row["clips_with_a_one_sided_unit"])
    return counts


def _modelled(action_units: str) -> Units:
    numbers = {JOINED.get(number, number) for number in action_units.split("+")}
    return tuple(name for name in ALL_UNITS if name.removeprefix("AU") in numbers)


def make_table(sources: dict[str, Counts]) -> list[dict[str, object]]:
    """Blend and smooth the counts: units, share of each class, and share of one-sided clips."""
    rows = []
    classes = {name: sum(counts.values())[:3] for name, counts in sources.items()}  # type: ignore[index]
    for units in sorted({units for counts in sources.values() for units in counts}):
        found = {name: counts.get(units, np.zeros(4)) for name, counts in sources.items()}
        clips = sum(float(entry[:3].sum()) for entry in found.values())
        if clips < LEAST_CLIPS:
            continue
        weights = np.sqrt([classes[name] for name in found])
        parts = [entry[:3] / classes[name] for name, entry in found.items()]
        shares = np.average(parts, axis=0, weights=weights)
        shares += (shares.mean() - shares) / (1 + clips)
        sided = sum(float(entry[3]) for entry in found.values())
        one_sided = (sided + ONE_SIDED_CLIPS[0]) / (clips + ONE_SIDED_CLIPS[1])
        rows.append(
            {
                "units": list(units),
                "shares": [round(float(share), 5) for share in shares],
                "one_sided": round(min(one_sided, 1.0), 3),
            }
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table; return the exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m off_tanet_export.synthesis.prior_table")
    parser.add_argument("counts", type=Path, help="the .csv of counts")
    parser.add_argument("--output", type=Path, default=TABLE, help="the .json to write")
    args = parser.parse_args(arguments)
    lines = ",\n".join(json.dumps(row) for row in make_table(read_counts(args.counts)))
    args.output.write_text(f"[\n{lines}\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
