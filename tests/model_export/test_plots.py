"""Plots that must show what the numbers say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from off_tanet.types import CLASSES, Pixels
from off_tanet_export.evaluation.plots import draw_confusion, draw_reliability, write_plots
from off_tanet_export.metrics import BINS, reliability

BLUE = (178, 114, 0)


def blue_height(picture: Pixels) -> int:
    """The tallest column of the bars' colour, in pixels."""
    return int((picture == BLUE).all(2).sum(0).max())


def test_a_bar_is_as_high_as_its_accuracy() -> None:
    """Inverted, an overconfident model would look underconfident."""
    sure = np.tile([[0.99, 0.005, 0.005]], (4, 1))
    high, low = (
        blue_height(draw_reliability(reliability(np.array(labels), sure)))
        for labels in ([0, 0, 0, 1], [0, 1, 1, 1])
    )
    assert abs(high - 0.75 * 360) < 12
    assert abs(low - 0.25 * 360) < 12


def test_bars_stand_at_the_answers_confidence() -> None:
    """One bar, in the bin of the answers and in no other."""
    answers = reliability(np.array([0]), np.array([[0.5, 0.3, 0.2]]))
    columns = np.flatnonzero((draw_reliability(answers) == BLUE).all(2).any(0))
    width = 360 / BINS
    left = 96 + width * int(answers.clips.argmax())
    assert left <= columns.min() < columns.max() <= left + width


def test_the_rows_of_the_confusion_matrix_are_the_true_classes() -> None:
    """Transposed, missed smiles would become false ones."""
    counts = {true: dict.fromkeys(CLASSES, 0) for true in CLASSES}
    counts["negative"]["surprise"] = 9
    bright = draw_confusion(counts).astype(int)
    inside = bright[48 + 8 : 48 + 352, 96 + 8 : 96 + 352]
    yellow = (inside[..., 2] - inside[..., 0]) > 100  # the end of the colour map cividis
    rows, columns = np.nonzero(yellow)
    assert rows.max() < 120
    assert columns.min() > 230


def test_both_plots_are_written(tmp_path: Path) -> None:
    """Into a folder that need not exist."""
    counts = {true: dict.fromkeys(CLASSES, 1) for true in CLASSES}
    write_plots(tmp_path / "a" / "b", counts, reliability(np.array([0]), np.eye(3)[:1]))
    for name in ("confusion", "reliability"):
        assert cv2.imread(str(tmp_path / "a" / "b" / f"{name}.png")) is not None
