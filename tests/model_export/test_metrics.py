"""Scores against counts made by hand, and the uncertainty of scores and answers."""

from __future__ import annotations

import numpy as np
import pytest
from off_tanet_export.metrics import (
    BINS,
    bootstrap_interval,
    confusion,
    confusion_by_person,
    errors_by_chance,
    reliability,
    uar,
    uf1,
)

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 0, 0, 2, 1])
COUNTS = [[3, 1, 0], [2, 1, 0], [0, 1, 1]]


def test_scores_equal_those_counted_by_hand() -> None:
    """F1: negative 2*3/(4+5), positive 2*1/(3+3), surprise 2*1/(2+1); recall 3/4, 1/3, 1/2."""
    counts = confusion(LABELS, PREDICTED)
    assert counts.tolist() == COUNTS
    assert uf1(counts) == pytest.approx((6 / 9 + 2 / 6 + 2 / 3) / 3)
    assert uar(counts) == pytest.approx((3 / 4 + 1 / 3 + 1 / 2) / 3)


def test_always_negative_scores_as_published() -> None:
    """Counts are pooled before any ratio: the mean over folds would give 0.51."""
    labels = np.repeat([0, 1, 2], [250, 109, 83])
    counts = confusion(labels, np.zeros_like(labels))
    assert uar(counts) == pytest.approx(1 / 3)
    assert uf1(counts) == pytest.approx(2 * 250 / (250 + 442) / 3)


def test_absent_classes_are_left_out() -> None:
    """A dataset without surprise would otherwise score a third too low."""
    counts = confusion(np.array([0, 1]), np.array([0, 1]))
    assert uf1(counts) == uar(counts) == 1


def test_each_person_has_separate_counts() -> None:
    """Their sum is the pooled count, and the paper's fold means need them separately."""
    people = np.array(["b", "a", "a"])
    counts = confusion_by_person(np.array([0, 1, 2]), np.array([0, 1, 1]), people)
    assert counts[0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert counts[1].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert uar(counts).tolist() == [0.5, 1.0]


def test_an_interval_is_over_people_not_clips() -> None:
    """Twenty clips of one person contain less information than twenty people: a wider interval."""
    labels = np.arange(60) % 3
    right = np.random.default_rng(1).random(60) < 0.6
    predicted = np.where(right, labels, (labels + 1) % 3)
    few, many = np.repeat(["a", "b", "c"], 20), np.array([f"{i:02}" for i in range(60)])
    few = few[np.argsort(~right, kind="stable").argsort()]  # each person all right or all wrong
    spans = [
        bootstrap_interval([confusion_by_person(labels, predicted, people)], uf1)
        for people in (few, many)
    ]
    score = uf1(confusion(labels, predicted))
    assert all(low < score < high for low, high in spans)
    assert np.ptp(spans[0]) > 1.5 * np.ptp(spans[1])


def test_an_interval_of_one_person_is_a_point() -> None:
    """Drawing the only person again changes nothing."""
    counts = confusion_by_person(np.array([0, 1, 2]), np.array([0, 1, 1]), np.full(3, "a"))
    low, high = bootstrap_interval([counts], uar)
    assert low == high == pytest.approx(2 / 3)


def test_calibration_error_is_the_gap_of_the_bins() -> None:
    """Four answers at 0.9 of which three are right: off by 0.15; one at 0.5, right: 0.5."""
    probabilities = np.array([[0.9, 0.06, 0.04]] * 4 + [[0.3, 0.5, 0.2]])
    answers = reliability(np.array([0, 0, 0, 1, 1]), probabilities)
    assert answers.clips.sum() == 5
    assert answers.clips[int(0.9 * BINS)] == 4
    assert answers.accuracy[int(0.9 * BINS)] == 0.75
    assert answers.error == pytest.approx((4 * 0.15 + 1 * 0.5) / 5)


def test_full_confidence_has_a_bin() -> None:
    """Exactly 1 belongs to the last bin."""
    assert reliability(np.array([0]), np.array([[1.0, 0.0, 0.0]])).clips[-1] == 1


def test_calibrated_answers_show_an_error_by_chance() -> None:
    """Bins of few clips deviate by chance: an error must be compared with that."""
    rng = np.random.default_rng(3)
    answers = rng.dirichlet((3, 1, 1), 20_000)
    labels = (rng.random((20_000, 1)) > answers.cumsum(1)).sum(1)
    few, many = errors_by_chance(answers[:200]), errors_by_chance(answers)
    assert few.mean() == pytest.approx(np.sqrt(100) * many.mean(), rel=0.1)
    assert many.min() < reliability(labels, answers).error < many.max()
    boastful = 0.5 * answers + 0.5 * np.eye(3)[answers.argmax(1)]
    assert reliability(labels, boastful).error > 5 * errors_by_chance(boastful).max()


def test_certain_answers_show_no_error_by_chance() -> None:
    """At a confidence of 1 there is no chance."""
    assert errors_by_chance(np.eye(3)).max() == 0
