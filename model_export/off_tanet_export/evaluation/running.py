"""Runs of folds, one after another or in several processes; all orders give the same result."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import TrainingError
from off_tanet_export.evaluation.folds import Fold
from off_tanet_export.evaluation.learners import Learner, Predict
from off_tanet_export.evaluation.predictions import Predictions
from off_tanet_export.evaluation.results import Results

Probabilities = NDArray[np.floating]
Job = tuple[int, int]
"""The numbers of a run and of a fold."""


@dataclass(slots=True)
class _Worker:
    """Does jobs, and keeps what the folds of a run have in common.

    Attributes:
        learner: What is trained.
        data: The labelled clips.
        folds: The folds.
    """

    learner: Learner
    data: FlowMaps
    folds: Sequence[Fold]
    _ready: dict[int, Predict] = field(default_factory=dict)

    def do(self, job: Job) -> Probabilities:
        """Return the probabilities [M, C] of a fold."""
        seed, number = job
        if seed not in self._ready:
            self._ready = {seed: self.learner.prepare(self.data, seed)}
        return self._ready[seed](self.folds[number])


def run_folds(
    learner: Learner,
    data: FlowMaps,
    folds: Sequence[Fold],
    results: Results | None = None,
    processes: int = 1,
) -> Predictions:
    """Train and predict all folds, in as many runs as the learner has.

    Args:
        learner: What is trained.
        data: The labelled clips.
        folds: The folds.
        results: Where folds are kept; those that are there are not done again.
        processes: The number of processes. Each uses one thread, so that the result does not
            depend on their number.

    Raises:
        TrainingError: A training run is not possible.
        CheckpointError: The weights take another kind of data.
        MapsError: A file of the results is damaged.
    """
    jobs = [(seed, number) for seed in range(learner.runs) for number in range(len(folds))]
    done: dict[Job, Probabilities] = {}
    if results is not None:
        for seed, number in jobs:
            found = results.load(seed, number, folds[number], len(data.classes))
            if found is not None:
                done[seed, number] = found
    missing = [job for job in jobs if job not in done]
    worker = _Worker(learner, data, folds)
    with tqdm(_do_all(worker, missing, processes), "folds", len(missing), unit="fold") as bar:
        for (seed, number), probabilities in bar:
            done[seed, number] = probabilities
            if results is not None:
                results.save(seed, number, folds[number], probabilities)
    return _join(data, folds, [(job, done[job]) for job in jobs])


def _do_all(
    worker: _Worker, jobs: Sequence[Job], processes: int
) -> Iterator[tuple[Job, Probabilities]]:
    """Yield jobs and their results as they are done."""
    if min(processes, len(jobs)) <= 1:
        with _one_thread():
            for job in jobs:
                yield job, worker.do(job)
        return
    with ProcessPoolExecutor(
        min(processes, len(jobs)), get_context("spawn"), _start, (worker,)
    ) as pool:
        try:
            waiting = {pool.submit(_do, job): job for job in jobs}
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BrokenProcessPool as error:
            advice = "--results keeps the folds that are done, fewer --processes need less memory"
            raise TrainingError(f"a process was ended from outside: {advice}") from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


_here: list[_Worker] = []
"""The worker of this process."""


def _start(worker: _Worker) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a stack trace
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _here.append(worker)


def _do(job: Job) -> Probabilities:
    return _here[0].do(job)


def _join(
    data: FlowMaps, folds: Sequence[Fold], done: Iterable[tuple[Job, Probabilities]]
) -> Predictions:
    clips, names, seeds, probabilities = [], [], [], []
    for (seed, number), values in done:
        fold = folds[number]
        tested = np.flatnonzero(fold.tested)
        clips.append(tested)
        names.append(np.full(len(tested), fold.name))
        seeds.append(np.full(len(tested), seed))
        probabilities.append(values)
    joined = (np.concatenate(parts) for parts in (clips, probabilities, names, seeds))
    return Predictions.of(data, *joined)
