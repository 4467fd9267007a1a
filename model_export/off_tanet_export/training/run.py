"""The files of one run: a log to watch it, and a state from which it goes on if it was stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.errors import TrainingError
from off_tanet_export.training.run_log import RunLog, log_path
from off_tanet_export.training.tensorboard import TensorBoard
from off_tanet_export.training.trainer import Epoch, Trainer

COLUMNS = ("stage", "epoch", "loss", "accuracy", "learning_rate", "seconds")


def state_path(output: Path) -> Path:
    """Return the file of the state of a run that writes `output`; to be removed at its end."""
    return output.with_name(f"{output.stem}.state")


class Run:
    """A run of several stages, each of which trains one network.

    After each epoch a row is added to the log, and the state is replaced in one step.

    Args:
        path: The file of the state.
        state: The state of the run that is resumed, or of one that begins.
        log: The log, which has the rows of the state.
        bar: Counts the epochs of all stages.
    """

    def __init__(self, path: Path, state: dict[str, Any], log: RunLog, bar: tqdm[Any]) -> None:
        self._path, self._state, self._log, self._bar = path, state, log, bar
        bar.update(len(state["rows"]))

    @classmethod
    @contextmanager
    def opened(
        cls,
        output: Path,
        identity: str,
        epochs: int,
        resume: bool,
        board: TensorBoard | None = None,
    ) -> Iterator[Run]:
        """Open a run, with a progress bar on standard error.

        Args:
            output: The weights that it will write; the names of its files start like this one's.
            identity: What the run depends on; a state of another identity is refused.
            epochs: The number of epochs of all stages.
            resume: Whether to go on from the state of an earlier run, if there is one.
            board: Draws the epochs.

        Raises:
            TrainingError: The state is damaged, or that of another run.
        """
        path = state_path(output)
        state: dict[str, Any] = {
            "identity": identity, "results": {}, "rows": [], "stage": "", "trainer": None,
        }  # fmt: skip
        if resume and path.exists():
            state = _read(path, state)
        log = RunLog(log_path(output), COLUMNS, state["rows"], board)
        with tqdm(total=epochs, desc="training", unit="epoch") as bar:
            yield cls(path, state, log, bar)

    @property
    def results(self) -> Mapping[str, Tensor]:
        """The results of the stages that are finished."""
        found: Mapping[str, Tensor] = self._state["results"]
        return found

    def train(self, stage: str, trainer: Trainer, epochs: int) -> Checkpoint:
        """Train until some number of epochs is done, and return the weights.

        Args:
            stage: A name that no other stage of the run has.
            trainer: What is trained; it goes on from the restored state, if this is its stage.
            epochs: The number of epochs.
        """
        if self._state["trainer"] is not None and self._state["stage"] == stage:
            trainer.restore(self._state["trainer"])
        while trainer.epoch < epochs:
            before = time.perf_counter()
            epoch = trainer.run_epoch()
            self._add(stage, epoch, time.perf_counter() - before)
            self._save(stage, trainer.state())
        return trainer.checkpoint()

    def finish(self, stage: str, result: Tensor) -> None:
        """Keep the result of a stage, which then need not be trained again."""
        self._state["results"][stage] = result
        self._save(stage, None)

    def _add(self, stage: str, epoch: Epoch, seconds: float) -> None:
        numbers = f"{epoch.loss:.6f}", f"{epoch.accuracy:.4f}", f"{epoch.learning_rate:.3g}"
        row = [stage, str(epoch.number), *numbers, f"{seconds:.3f}"]
        self._state["rows"].append(row)
        self._log.add(row)
        self._bar.set_postfix(stage=stage, loss=f"{epoch.loss:.3f}", refresh=False)
        self._bar.update()

    def _save(self, stage: str, trainer: dict[str, Any] | None) -> None:
        self._state |= {"stage": stage, "trainer": trainer}
        part = self._path.with_name(self._path.name + ".part")
        torch.save(self._state, part)
        os.replace(part, self._path)


def _read(path: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """Read the state of a run with the expected identity."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        complete = state.keys() == expected.keys()
    except Exception as error:  # torch.load documents no exceptions for damaged files
        raise TrainingError(f"{path} is damaged: train without --resume") from error
    if not complete or state["identity"] != expected["identity"]:
        raise TrainingError(
            f"{path} is of a run with other data or options: train without --resume"
        )
    return state
