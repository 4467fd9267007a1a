"""The time of an epoch of fine-tuning, and what the paper's protocol takes: `make bench-training`.

    python -m tests.benchmarks.bench_training [EPOCHS]

Trains on one thread by the paper's recipe, on random maps of as many clips as one of its folds has,
and prints the shortest of the epochs in processor time, which other processes hardly change. The
protocol leaves out each of 49 people for 201 epochs; folds are independent: each core trains one.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np
import torch
from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.graph import PUBLISHED
from off_tanet_export.training.fine_tuning import initialize
from off_tanet_export.training.folds import FoldData
from off_tanet_export.training.recipes import PAPER, FineTuneConfig
from off_tanet_export.training.trainer import Trainer

CLIPS, PEOPLE, CORES = 294, 49, 2
FOLD = CLIPS - CLIPS // PEOPLE
HOURS = 3600


def fold() -> FoldData:
    """Random maps: what the values are does not change the time."""
    rng = np.random.default_rng(0)
    maps = torch.from_numpy(rng.normal(size=(1, FOLD, 3, 112, 112)).astype(np.float32))
    labels = torch.from_numpy(np.arange(FOLD) % 3)
    return FoldData("all", maps, 1, labels, np.arange(FOLD).astype(str))


def shortest_epoch_s(start: Checkpoint, config: FineTuneConfig, epochs: int) -> float:
    """The shortest processor time of an epoch, in seconds."""
    trainer = Trainer(start, fold(), config, seed=0)
    times = []
    for _ in range(epochs):
        before = time.process_time()
        trainer.run_epoch()
        times.append(time.process_time() - before)
    return min(times)


def main(epochs: int = 5) -> None:
    """Print the time of an epoch and of the whole protocol, in each precision."""
    torch.set_num_threads(1)
    start = initialize(0, preprocessing=PUBLISHED)
    for half in (False, True):
        seconds = shortest_epoch_s(start, replace(PAPER, half=half), epochs)
        hours = seconds * PAPER.epochs * PEOPLE / CORES / HOURS
        name = "bfloat16" if half else "float32"
        print(f"{name:9} {seconds:.2f} s an epoch of {FOLD} clips on one thread")
        print(f"{'':9} {PAPER.epochs} epochs of {PEOPLE} folds: {hours:.1f} h on {CORES} cores")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
