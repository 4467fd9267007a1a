"""Every score against scikit-learn and SciPy, which many papers use, on random predictions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet_export import metrics
from off_tanet_export.evaluation.evaluate import details, summarize
from off_tanet_export.evaluation.predictions import Predictions
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    recall_score,
    roc_auc_score,
)

EXACT = 1e-12


def drawn(seed: int) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """Labels and predictions; in many cases some classes are in one of both only, or in none."""
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 8))
    count = int(rng.integers(1, 60))
    shown = rng.permutation(classes)[: rng.integers(1, classes + 1)]
    said = rng.permutation(classes)[: rng.integers(1, classes + 1)]
    labels, guesses = rng.choice(shown, count), rng.choice(said, count)
    return classes, labels, np.where(rng.random(count) < 0.4, labels, guesses)


@pytest.mark.parametrize("seed", range(60))
def test_scores_are_scikit_learns(seed: int) -> None:
    """In all three readings: over the classes of the clips, over those seen, over all."""
    classes, labels, predicted = drawn(seed)
    counts = metrics.confusion(labels, predicted, classes)
    np.testing.assert_array_equal(
        counts, confusion_matrix(labels, predicted, labels=range(classes))
    )
    assert float(metrics.accuracy(counts)) == pytest.approx(
        accuracy_score(labels, predicted), abs=EXACT
    )
    readings: dict[metrics.Reading, list[int] | None] = {
        "truth": sorted(set(labels.tolist())), "seen": None, "all": list(range(classes)),
    }  # fmt: skip
    for reading, over in readings.items():
        for ours, theirs in ((metrics.uf1, f1_score), (metrics.uar, recall_score)):
            expected = theirs(labels, predicted, labels=over, average="macro", zero_division=0)
            assert float(ours(counts, reading)) == pytest.approx(expected, abs=EXACT)


def predictions(seed: int, classes: int = 3) -> Predictions:
    """Two runs of the clips of a few people, most of whom do not show all classes."""
    rng = np.random.default_rng(seed)
    people = np.sort(rng.integers(0, 7, 40)).astype(str)
    labels = rng.integers(0, classes, 40)
    return Predictions(
        tuple(f"class {number}" for number in range(classes)),
        np.full(80, "made"),
        np.tile(people, 2),
        np.tile(np.arange(40).astype(str), 2),
        np.tile(labels, 2),
        rng.dirichlet(np.ones(classes), 80),
        np.tile(people, 2),
        np.repeat([0, 1], 40),
    )


@pytest.mark.parametrize("seed", range(5))
def test_fold_means_are_those_of_a_loop_with_scikit_learn(seed: int) -> None:
    """What papers print as a mean over subjects is one of the three, which they rarely say."""
    found = predictions(seed)
    pooled = []
    for run in found.runs():
        pooled.append(f1_score(run.truth, run.predicted, average="macro", labels=range(3)))
    assert summarize(found)["uf1"] == pytest.approx(np.mean(pooled), abs=EXACT)
    means = details(found)["fold_means"]
    for title, over in {
        "classes of its clips": "truth", "as scikit-learn": None, "all classes": range(3),
    }.items():  # fmt: skip
        scores = []
        for run in found.runs():
            for fold in np.unique(run.folds):
                part = run.select(run.folds == fold)
                labels = np.unique(part.truth) if over == "truth" else over
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of classes without clips
                    scores.append(
                        [
                            score(part.truth, part.predicted, labels=labels, average="macro",
                                  zero_division=0)
                            for score in (f1_score, recall_score)
                        ]
                    )  # fmt: skip
        assert list(means[title].values()) == pytest.approx(np.mean(scores, 0), abs=EXACT)


@pytest.mark.parametrize("seed", range(8))
def test_mcnemar_is_an_exact_binomial_test(seed: int) -> None:
    """Of the clips on which one is right alone, half would be either's."""
    rng = np.random.default_rng(seed)
    before, after = rng.random(200) < 0.6, rng.random(200) < 0.6 + 0.03 * seed
    lost, won, p = metrics.mcnemar(before, after)
    assert (lost, won) == ((before & ~after).sum(), (after & ~before).sum())
    assert p == pytest.approx(binomtest(won, lost + won).pvalue, abs=EXACT)


def test_equal_models_have_a_p_of_one() -> None:
    """No clip tells them apart."""
    right = np.array([True, False])
    assert metrics.mcnemar(right, right) == (0, 0, 1.0)


def test_the_area_under_the_curve_is_scikit_learns() -> None:
    """With ties, which count half."""
    rng = np.random.default_rng(0)
    values, present = rng.integers(0, 9, 100) / 10, rng.random(100) < 0.5
    expected = roc_auc_score(present, values)
    found = metrics.area_under_curve(values[present], values[~present])
    assert found == pytest.approx(expected, abs=EXACT)
