"""The log of a run: a CSV file, for whatever draws curves."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from off_tanet_export.training.tensorboard import TensorBoard


class RunLog:
    """A table to which rows are added while a network is trained.

    Args:
        path: The file; an earlier one is replaced.
        columns: The names of the columns.
        rows: The first rows.
        board: Draws the rows that are added.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]] = (),
        board: TensorBoard | None = None,
    ) -> None:
        self._path, self._columns, self._board = path, columns, board
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])

    def add(self, row: Sequence[str]) -> None:
        """Add a row, which is in the file at once."""
        with self._path.open("a", newline="") as file:
            csv.writer(file).writerow(row)
        if self._board is not None:
            self._board.add(dict(zip(self._columns, row, strict=True)))


def log_path(output: Path) -> Path:
    """Return the file of the log of a run that writes `output`."""
    return output.with_name(f"{output.stem}.log.csv")
