"""The files of one run: a log to watch it, and a state from which it goes on if it was stopped."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.errors import TrainingError
from off_tanet_export.training.trainer import Epoch, Trainer

COLUMNS = ("stage", "epoch", "loss", "accuracy", "learning_rate", "seconds")


def state_path(output: Path) -> Path:
    """Return the file of the state of a run that writes `output`; to be removed at its end."""
    return output.with_name(f"{output.stem}.state")


class Run:
    """A run of several stages, each of which trains one network.

    After each epoch a row is added to the log, and the state is replaced in one step.

    Args:
        log: The log, a CSV file with `COLUMNS`.
        state: The file of the state.
        identity: What the run depends on; a state of another identity is refused.
        bar: Counts the epochs of all stages.

    Attributes:
        results: The results of the stages that are finished.
    """

    def __init__(self, log: Path, state: Path, identity: str, bar: tqdm[Any]) -> None:
        self.results: dict[str, Tensor] = {}
        self._log, self._state, self._identity, self._bar = log, state, identity, bar
        self._rows: list[list[str]] = []
        self._stage = ""
        self._trainer_state: dict[str, Any] | None = None

    @classmethod
    @contextmanager
    def opened(cls, output: Path, identity: str, epochs: int, resume: bool) -> Iterator[Run]:
        """Open a run, with a progress bar on standard error.

        Args:
            output: The weights that it will write; the names of its files start like this one's.
            identity: What the run depends on.
            epochs: The number of epochs of all stages.
            resume: Whether to go on from the state of an earlier run, if there is one.

        Raises:
            TrainingError: The state is damaged, or that of another run.
        """
        log, state = output.with_name(f"{output.stem}.log.csv"), state_path(output)
        with tqdm(total=epochs, desc="training", unit="epoch") as bar:
            run = cls(log, state, identity, bar)
            if resume and state.exists():
                run._restore()
            run._write_log()
            yield run

    def train(self, stage: str, trainer: Trainer, epochs: int) -> Checkpoint:
        """Train until some number of epochs is done, and return the weights.

        Args:
            stage: A name that no other stage of the run has.
            trainer: What is trained; it goes on from the restored state, if this is its stage.
            epochs: The number of epochs.
        """
        if self._trainer_state is not None and self._stage == stage:
            trainer.restore(self._trainer_state)
        self._stage = stage
        while trainer.epoch < epochs:
            before = time.perf_counter()
            epoch = trainer.run_epoch()
            self._add(stage, epoch, time.perf_counter() - before)
            self._save(trainer.state())
        return trainer.checkpoint()

    def finish(self, stage: str, result: Tensor) -> None:
        """Keep the result of a stage, which then need not be trained again."""
        self.results[stage] = result
        self._save(None)

    def _add(self, stage: str, epoch: Epoch, seconds: float) -> None:
        numbers = f"{epoch.loss:.6f}", f"{epoch.accuracy:.4f}", f"{epoch.learning_rate:.3g}"
        row = [stage, str(epoch.number), *numbers, f"{seconds:.3f}"]
        self._rows.append(row)
        with self._log.open("a", newline="") as file:
            csv.writer(file).writerow(row)
        self._bar.set_postfix(stage=stage, loss=f"{epoch.loss:.3f}", refresh=False)
        self._bar.update()

    def _write_log(self) -> None:
        with self._log.open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *self._rows])

    def _save(self, trainer_state: dict[str, Any] | None) -> None:
        self._trainer_state = trainer_state
        part = self._state.with_name(self._state.name + ".part")
        state = {
            "identity": self._identity,
            "results": self.results,
            "rows": self._rows,
            "stage": self._stage,
            "trainer": trainer_state,
        }
        torch.save(state, part)
        os.replace(part, self._state)

    def _restore(self) -> None:
        try:
            state = torch.load(self._state, map_location="cpu", weights_only=True)
            identity, self.results = state["identity"], state["results"]
            self._rows, self._stage = state["rows"], state["stage"]
            self._trainer_state = state["trainer"]
        except Exception as error:  # torch.load documents no exceptions for damaged files
            raise TrainingError(f"{self._state} is damaged: train without --resume") from error
        if identity != self._identity:
            raise TrainingError(
                f"{self._state} is of a run with other data or options: train without --resume"
            )
        self._bar.update(len(self._rows))
