"""The curves of a run for TensorBoard, which the extra `tensorboard` installs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from off_tanet_export.errors import TrainingError

_STEPS = ("epoch", "step")
_STAGE = "stage"


class TensorBoard:
    """Draws each number of a run's log as a curve, one for each stage.

    Args:
        folder: The folder of the run, which `tensorboard --logdir` shows; it is made if needed.

    Raises:
        TrainingError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError:
            raise TrainingError(
                "--tensorboard needs the extra tensorboard: pip install 'off-tanet[tensorboard]'"
            ) from None
        self._writer = SummaryWriter(str(folder))

    def add(self, row: Mapping[str, str]) -> None:
        """Draw a row of the log, by the names of its columns."""
        step = next(int(row[name]) for name in _STEPS if name in row)
        stage = f"{row[_STAGE]}/" if _STAGE in row else ""
        for name in row.keys() - {_STAGE, *_STEPS}:
            self._writer.add_scalar(stage + name, float(row[name]), step)
        self._writer.flush()
