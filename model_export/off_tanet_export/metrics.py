"""Scores of labels and probabilities, as in the MEGC2019 challenge, with their uncertainty.

J. See, M. H. Yap, J. Li, X. Hong, S.-J. Wang, "MEGC 2019: The Second Facial Micro-Expressions Grand
Challenge", FG 2019: counts are summed over all clips before any ratio is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES

Labels = NDArray[np.int64]
"""The class's index of each clip, [N]."""

Confusion = NDArray[np.int64]
"""Counts [C, C] of clips; rows are true classes, columns predicted ones."""

Score = Callable[[NDArray[np.generic]], NDArray[np.float64]]
"""`uf1` or `uar`: confusions [..., C, C] -> scores [...]."""

Reading = Literal["truth", "seen", "all"]
"""The classes over which a score is averaged.

`truth`: those of the clips; `seen`: those of the clips or of the predictions, as scikit-learn does
by default; `all`: every class, so that one that neither has counts as 0.
"""

BINS = 15
RESAMPLES = 2000


def confusion(labels: Labels, predicted: Labels, classes: int = len(CLASSES)) -> Confusion:
    """Count the clips [C, C] of each true (row) and predicted (column) class."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def uf1(counts: NDArray[np.generic], reading: Reading = "truth") -> NDArray[np.float64]:
    """Compute the unweighted mean of each class's F1 = 2TP / (2TP + FP + FN).

    Args:
        counts: Confusions [..., C, C].
        reading: The classes that count.

    Returns:
        Scores [...].
    """
    right = _diagonal(counts)
    f1 = 2 * right / np.maximum(counts.sum(-1) + counts.sum(-2), 1)
    return np.asarray(f1.mean(-1, where=_counted(counts, reading)), np.float64)


def uar(counts: NDArray[np.generic], reading: Reading = "truth") -> NDArray[np.float64]:
    """Compute the unweighted mean of each class's recall.

    Args:
        counts: Confusions [..., C, C].
        reading: The classes that count; one without clips has a recall of 0.

    Returns:
        Scores [...].
    """
    recall = _diagonal(counts) / np.maximum(counts.sum(-1), 1)
    return np.asarray(recall.mean(-1, where=_counted(counts, reading)), np.float64)


def accuracy(counts: NDArray[np.generic]) -> NDArray[np.float64]:
    """Compute the share [...] of clips whose class is right, from confusions [..., C, C]."""
    return np.asarray(_diagonal(counts).sum(-1) / counts.sum((-2, -1)), np.float64)


def _counted(counts: NDArray[np.generic], reading: Reading) -> NDArray[np.bool_]:
    true, predicted = counts.sum(-1) > 0, counts.sum(-2) > 0
    chosen = {"truth": true, "seen": true | predicted, "all": np.ones_like(true)}[reading]
    return np.asarray(chosen, np.bool_)


def _diagonal(counts: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)


def confusion_by_person(
    labels: Labels, predicted: Labels, people: NDArray[np.str_], classes: int = len(CLASSES)
) -> Confusion:
    """Count the clips of each subject: [P, C, C], in the order of the subjects' names.

    Args:
        labels: True classes [N].
        predicted: Predicted classes [N].
        people: The subject of each clip [N].
        classes: The number of classes.
    """
    names, index = np.unique(people, return_inverse=True)
    counts = np.zeros((len(names), classes, classes), np.int64)
    np.add.at(counts, (index, labels, predicted), 1)
    return counts


def bootstrap_interval(runs: Sequence[Confusion], score: Score) -> tuple[float, float]:
    """Compute the central 95% of a score over bootstrap resamples of subjects.

    Percentile intervals: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993.

    Args:
        runs: The confusions [P, C, C] of each run, by subject.
        score: `uf1` or `uar`; it is averaged over runs, which share the resamples.
    """
    low, high = np.percentile(_resampled(runs, score), (2.5, 97.5))
    return float(low), float(high)


def paired_interval(
    before: Sequence[Confusion], after: Sequence[Confusion], score: Score
) -> tuple[float, float]:
    """Compute the central 95% of the difference of a score over shared resamples of subjects.

    Args:
        before: The confusions [P, C, C] of each run, by subject.
        after: Those of the same subjects by another model, in any number of runs.
        score: `uf1` or `uar`; it is averaged over runs.
    """
    difference = _resampled(after, score) - _resampled(before, score)
    low, high = np.percentile(difference, (2.5, 97.5))
    return float(low), float(high)


def _resampled(runs: Sequence[Confusion], score: Score) -> NDArray[np.float64]:
    """Compute the mean score [RESAMPLES] of runs; the resamples depend on their number alone."""
    people = len(runs[0])
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(people, np.full(people, 1 / people), size=RESAMPLES)
    scores = [score(np.tensordot(drawn, counts, 1)) for counts in runs]
    return np.asarray(np.mean(scores, axis=0), np.float64)


def mcnemar(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Test whether two models are right equally often, by McNemar's exact test.

    Q. McNemar, Psychometrika 12, 1947: of the clips on which one model alone is right, half would
    be either model's. Clips are taken as independent, although several are of one person.

    Args:
        before: Whether one model is right on each clip [N].
        after: Whether the other one is right on it [N].

    Returns:
        The clips on which `before` alone is right; those on which `after` alone is; and the
        two-sided probability of at least such a difference if both are equally good.
    """
    lost, won = int((before & ~after).sum()), int((after & ~before).sum())
    total, fewer = lost + won, min(lost, won)
    tail = sum(comb(total, count) for count in range(fewer + 1))
    return lost, won, min(1.0, 2 * tail / 2**total)


def area_under_curve(present: NDArray[np.floating], absent: NDArray[np.floating]) -> float:
    """Compute the area under the ROC curve: how often a present case has the higher value.

    Args:
        present: Values [N] of cases that are there; equal values count half.
        absent: Values [M] of cases that are not.
    """
    higher = (present[:, None] > absent).mean() + 0.5 * (present[:, None] == absent).mean()
    return float(higher)


def selective_accuracy(
    labels: Labels, probabilities: NDArray[np.floating], coverages: Sequence[float]
) -> NDArray[np.float64]:
    """Compute the accuracy [K] of the most confident shares of the predictions.

    Args:
        labels: True classes [N].
        probabilities: [N, C].
        coverages: The shares that are kept, 0 to 1.
    """
    order = np.argsort(-probabilities.max(1), kind="stable")
    right = (probabilities.argmax(1) == labels)[order]
    kept = [max(1, round(share * len(labels))) for share in coverages]
    return np.array([right[:count].mean() for count in kept], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """The accuracy of predictions, by equal bins of the predicted class's probability.

    An empty bin has zeros.

    Attributes:
        clips: The number of clips in each bin [BINS].
        confidence: Their mean probability [BINS].
        accuracy: The share of correct predictions [BINS].
    """

    clips: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: |accuracy - confidence|, weighted by the number of clips.

        C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural
        Networks", ICML 2017.
        """
        return float((self.clips * np.abs(self.accuracy - self.confidence)).sum()) / max(
            1, int(self.clips.sum())
        )


def reliability(labels: Labels, probabilities: NDArray[np.floating]) -> Reliability:
    """Bin the probabilities [N, C] of clips with labels [N] by confidence."""
    confidence = probabilities.max(1).astype(np.float64)
    right = probabilities.argmax(1) == labels
    index = _bins(confidence)
    clips = np.bincount(index, minlength=BINS)
    sums = [np.bincount(index, values, BINS) for values in (confidence, right)]
    return Reliability(clips, *(total / np.maximum(clips, 1) for total in sums))


def errors_by_chance(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Sample calibration errors [RESAMPLES] of probabilities [N, C] that are exactly right.

    Labels are drawn from the probabilities themselves. With few clips the error is then not zero
    either. A measured error within these is no evidence against the calibration (J. Vaicenavicius
    et al., "Evaluating model calibration in classification", AISTATS 2019).
    """
    confidence = probabilities.max(1).astype(np.float64)
    right = np.random.default_rng(0).random((RESAMPLES, len(confidence))) < confidence
    bins = np.eye(BINS)[_bins(confidence)]
    return np.asarray(np.abs((right - confidence) @ bins).sum(1) / len(confidence), np.float64)


def _bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
