"""Scores of labels and probabilities, in the form of the MEGC2019 challenge, and how sure they are.

J. See, M. H. Yap, J. Li, X. Hong, S.-J. Wang, "MEGC 2019: The Second Facial Micro-Expressions Grand
Challenge", FG 2019: counts are summed over all clips before any ratio is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES

Labels = NDArray[np.int64]
"""A class's index for each clip, [N]."""

Confusion = NDArray[np.int64]
"""Counts [3, 3]: the row is the true class, the column the predicted one."""

Score = Callable[[NDArray[np.generic]], NDArray[np.float64]]
"""`uf1` or `uar`: confusions [..., 3, 3] -> scores [...]."""

BINS = 15
RESAMPLES = 2000


def confusion(labels: Labels, predicted: Labels) -> Confusion:
    """Count each pair of true and predicted class."""
    counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def uf1(counts: NDArray[np.generic]) -> NDArray[np.float64]:
    """The unweighted mean of each class's F1 = 2TP / (2TP + FP + FN), over classes that occur.

    `counts` [..., 3, 3] -> [...]
    """
    right, occurs = _diagonal(counts), counts.sum(-1) > 0
    f1 = 2 * right / np.maximum(counts.sum(-1) + counts.sum(-2), 1)
    return np.asarray(f1.mean(-1, where=occurs), np.float64)


def uar(counts: NDArray[np.generic]) -> NDArray[np.float64]:
    """The unweighted mean of each class's recall, over classes that occur.

    `counts` [..., 3, 3] -> [...]
    """
    right, clips = _diagonal(counts), counts.sum(-1)
    return np.asarray((right / np.maximum(clips, 1)).mean(-1, where=clips > 0), np.float64)


def _diagonal(counts: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)


def by_person(labels: Labels, predicted: Labels, people: NDArray[np.str_]) -> Confusion:
    """One confusion for each person, in the order of their names: [P, 3, 3]."""
    names, index = np.unique(people, return_inverse=True)
    counts = np.zeros((len(names), len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(counts, (index, labels, predicted), 1)
    return counts


def interval(runs: list[Confusion], score: Score) -> tuple[float, float]:
    """The central 95% of a score when people are drawn anew, with the clips that they have.

    `runs` holds a [P, 3, 3] for each run; the score is the mean over runs, each of which sees
    the same people drawn. B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993,
    percentile intervals.
    """
    rng = np.random.default_rng(0)
    people = len(runs[0])
    drawn = rng.multinomial(people, np.full(people, 1 / people), size=RESAMPLES)
    scores = np.mean([score(np.tensordot(drawn, counts, 1)) for counts in runs], axis=0)
    low, high = np.percentile(scores, (2.5, 97.5))
    return float(low), float(high)


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """What answers of each confidence are worth: equal bins of the named class's probability.

    `clips`, mean `confidence` and `accuracy` [BINS] of each bin; an empty bin has zeros.
    """

    clips: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: |accuracy - confidence|, weighted by clips.

        C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural
        Networks", ICML 2017.
        """
        return float((self.clips * np.abs(self.accuracy - self.confidence)).sum()) / max(
            1, int(self.clips.sum())
        )


def reliability(labels: Labels, probabilities: NDArray[np.floating]) -> Reliability:
    """Sort the answers [N, 3] by how sure they are."""
    confidence = probabilities.max(1).astype(np.float64)
    right = probabilities.argmax(1) == labels
    index = _bins(confidence)
    clips = np.bincount(index, minlength=BINS)
    sums = [np.bincount(index, values, BINS) for values in (confidence, right)]
    return Reliability(clips, *(total / np.maximum(clips, 1) for total in sums))


def error_by_chance(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """The calibration errors [RESAMPLES] of answers [N, 3] that mean exactly what they say.

    Even then few clips never fall as they should: labels are drawn from the answers themselves.
    That a measured error is within these shows nothing against the calibration (J. Vaicenavicius
    et al., "Evaluating model calibration in classification", AISTATS 2019).
    """
    confidence = probabilities.max(1).astype(np.float64)
    right = np.random.default_rng(0).random((RESAMPLES, len(confidence))) < confidence
    bins = np.eye(BINS)[_bins(confidence)]
    return np.asarray(np.abs((right - confidence) @ bins).sum(1) / len(confidence), np.float64)


def _bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
