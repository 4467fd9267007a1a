"""The time of folds in one process and in several: python -m tests.benchmarks.bench_folds [FOLDS]

Trains by the paper's recipe, but for one epoch, on random flows of as many clips and people as the
paper has. Prints wall time and processor time; the first epoch of a process has its start in it.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace

import numpy as np
from off_tanet import cpu
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.evaluation.folds import leave_one_subject_out
from off_tanet_export.evaluation.learners import FineTuning
from off_tanet_export.evaluation.running import run_folds
from off_tanet_export.graph import PUBLISHED
from off_tanet_export.training.fine_tuning import initialize
from off_tanet_export.training.recipes import PAPER

CLIPS, PEOPLE = 294, 49


def data() -> FlowMaps:
    """Random flows: what the values are does not change the time."""
    rng = np.random.default_rng(0)
    flows = rng.normal(size=(CLIPS, 2, 112, 112)).astype(np.float32)
    maps = rng.random((CLIPS, 3, 28, 28), np.float32)
    names = np.arange(CLIPS)
    return FlowMaps(
        maps, names % 3, np.full(CLIPS, "casme2"), (names % PEOPLE).astype(str),
        names.astype(str), flows=flows,
    )  # fmt: skip


def processor_s() -> float:
    """Processor time of this process and of all that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main(count: int = 6) -> None:
    """Print the times of `count` folds, by the number of processes."""
    maps, learner = data(), FineTuning([initialize(0, preprocessing=PUBLISHED)],
                                       replace(PAPER, epochs=1))  # fmt: skip
    folds = leave_one_subject_out(maps)[:count]
    for processes in sorted({1, cpu.available()}):
        start, spent = time.perf_counter(), processor_s()
        run_folds(learner, maps, folds, processes=processes)
        wall_s, used_s = time.perf_counter() - start, processor_s() - spent
        print(f"{count} folds, {processes} at once: {wall_s:.1f} s, {used_s:.1f} s of processors")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
