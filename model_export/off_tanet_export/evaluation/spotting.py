"""Scores of spotting in long videos, as in the MEGC challenges.

J. Li, M. H. Yap, W.-H. Cheng, J. See, X. Hong, X. Li, S.-J. Wang, A. K. Davison, Y. Li, Z. Dong,
"MEGC2022: ACM Multimedia 2022 Micro-Expression Grand Challenge", ACM MM 2022: a spotted interval is
correct if its intersection over union with a true one is at least 0.5. Counts are summed over all
videos before any ratio is computed. The spot-then-recognise score (STRS) is the F1 of spotting
times the F1 of recognition among the correct intervals.

Intervals are of frames, and both ends belong to them: 0 to 9 are ten frames. With ends as points in
time, an overlap of exactly half can be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from off_tanet_export.metrics import confusion, uf1

MIN_OVERLAP = 0.5

Label = int | str


@dataclass(frozen=True, slots=True)
class Interval:
    """An expression.

    Attributes:
        onset: The number of the first frame.
        offset: The number of the last frame.
        label: The class, if known.
    """

    onset: int
    offset: int
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class SpottingScore:
    """Counts over one or more videos; `+` adds them.

    Attributes:
        true: The number of true intervals.
        found: The number of spotted intervals.
        right: The true and the predicted class of each true positive.
    """

    true: int = 0
    found: int = 0
    right: tuple[tuple[Label | None, Label | None], ...] = ()

    def __add__(self, other: SpottingScore) -> SpottingScore:
        return SpottingScore(
            self.true + other.true, self.found + other.found, self.right + other.right
        )

    @property
    def precision(self) -> float:
        """The share of spotted intervals that are correct; 0 if there are none."""
        return len(self.right) / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """The share of true intervals that were spotted; 0 if there are none."""
        return len(self.right) / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); 0 if there are neither true nor spotted intervals."""
        total = self.true + self.found
        return 2 * len(self.right) / total if total else 0.0

    @property
    def recognition(self) -> float:
        """The unweighted mean F1 over classes, among the correct intervals."""
        counts = self.confusion
        return float(uf1(counts)) if counts.size else 0.0

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts [C, C] of the correct intervals of known class, by the C classes seen."""
        known = [(true, said) for true, said in self.right if true is not None and said is not None]
        names = sorted({label for pair in known for label in pair}, key=str)
        places = [[names.index(label) for label in pair] for pair in known]
        labels, predicted = np.array(places, np.int64).reshape(-1, 2).T
        return confusion(labels, predicted, len(names))

    @property
    def strs(self) -> float:
        """The spot-then-recognise score."""
        return self.f1 * self.recognition


def score(true: Sequence[Interval], found: Sequence[Interval]) -> SpottingScore:
    """Score one video. Intervals are matched one to one, in descending order of overlap.

    Args:
        true: The annotated intervals.
        found: The spotted intervals.
    """
    overlaps = np.array([[overlap(a, b) for b in found] for a in true]).reshape(
        len(true), len(found)
    )
    pairs = [(true[i].label, found[j].label) for i, j in matches(overlaps)]
    return SpottingScore(len(true), len(found), tuple(pairs))


def overlap(a: Interval, b: Interval) -> float:
    """Compute the intersection over union of two intervals, in frames."""
    common = min(a.offset, b.offset) - max(a.onset, b.onset) + 1
    union = (a.offset - a.onset + 1) + (b.offset - b.onset + 1) - max(0, common)
    return max(0, common) / union


def matches(overlaps: NDArray[np.float64]) -> Iterable[tuple[int, int]]:
    """Yield row and column of matches among overlaps [true, found]; each is used at most once."""
    left = overlaps.copy()
    while left.size and left.max() >= MIN_OVERLAP:
        row, column = np.unravel_index(left.argmax(), left.shape)
        yield int(row), int(column)
        left[row, :] = left[:, column] = 0
