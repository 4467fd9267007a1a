"""The MEGC spotting scores against cases computed by hand."""

from __future__ import annotations

import pytest
from off_tanet_export.evaluation.spotting import Interval, SpottingScore, overlap, score


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 9), (0, 9), 1.0),
        ((0, 9), (5, 14), 1 / 3),
        ((0, 9), (2, 6), 0.5),
        ((0, 9), (10, 19), 0.0),
        ((0, 9), (9, 18), 1 / 19),
        ((0, 9), (30, 39), 0.0),
        ((5, 5), (5, 5), 1.0),
        ((-3, 65), (30, 55), 26 / 69),
    ],
)
def test_overlap_is_intersection_over_union(
    a: tuple[int, int], b: tuple[int, int], expected: float
) -> None:
    """The basis of all counts below; it is symmetric, and both ends belong to an interval."""
    assert overlap(Interval(*a), Interval(*b)) == pytest.approx(expected)
    assert overlap(Interval(*b), Interval(*a)) == pytest.approx(expected)


def test_half_an_overlap_is_enough_and_less_is_not() -> None:
    """The challenge's threshold is inclusive."""
    true = [Interval(0, 9), Interval(100, 109)]
    found = [Interval(0, 4), Interval(100, 103)]
    assert len(score(true, found).right) == 1


def test_a_true_interval_counts_once() -> None:
    """Two detections of one expression are one hit and one false alarm."""
    counted = score([Interval(0, 10)], [Interval(0, 9), Interval(1, 10)])
    assert (counted.true, counted.found, len(counted.right)) == (1, 2, 1)
    assert (counted.precision, counted.recall) == (0.5, 1.0)
    assert counted.f1 == pytest.approx(2 / 3)


def test_the_best_overlap_is_matched_first() -> None:
    """Otherwise the first detection could take the interval that the second one matches exactly."""
    true = [Interval(0, 10, 0), Interval(6, 16, 1)]
    counted = score(true, [Interval(2, 12, 2), Interval(0, 10, 0), Interval(6, 16, 1)])
    assert sorted(counted.right) == [(0, 0), (1, 1)]


def test_counts_are_summed_over_videos_before_ratios() -> None:
    """Three videos by hand: 2 of 3, 0 of 1 with two false alarms, nothing with one false alarm."""
    first = score([Interval(0, 10, 0), Interval(20, 30, 1), Interval(50, 60, 2)],
                  [Interval(0, 10, 0), Interval(21, 30, 1)])  # fmt: skip
    second = score([Interval(0, 10, 0)], [Interval(20, 30, 0), Interval(40, 50, 0)])
    third = score([], [Interval(5, 9, 1)])
    pooled = sum((first, second, third), SpottingScore())
    assert pooled.precision == pytest.approx(2 / 5)
    assert pooled.recall == pytest.approx(2 / 4)
    assert pooled.f1 == pytest.approx(4 / 9)


def test_strs_is_the_product_of_spotting_and_recognition() -> None:
    """Four right intervals of two classes: F1 of 2/3 and 4/5 for recognition, 8/10 for spotting."""
    true = [Interval(20 * k, 20 * k + 10, label) for k, label in enumerate((0, 0, 1, 1, 2))]
    found = [Interval(20 * k, 20 * k + 10, label) for k, label in enumerate((0, 1, 1, 1))]
    found.append(Interval(300, 310, 2))
    counted = score(true, found)
    assert counted.f1 == pytest.approx(8 / 10)
    assert counted.recognition == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert counted.strs == pytest.approx(0.8 * (2 / 3 + 4 / 5) / 2)


def test_empty_results_do_not_divide_by_zero() -> None:
    """Videos without any expression are valid input."""
    empty = score([], [])
    assert (empty.precision, empty.recall, empty.f1, empty.strs) == (0, 0, 0, 0)
