"""The decision on a label, and the probability that there is an expression."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from off_tanet.limits import Thresholds
from off_tanet.recognition.decision import decide
from off_tanet.recognition.expressiveness import expression_probability
from off_tanet.recognition.quality import Evidence, warnings
from off_tanet.types import REASONS

THRESHOLDS = Thresholds()
SHARES = {"joy": 0.7, "other": 0.18, "fear": 0.12, "anger": 0.0}
CLEAR = Evidence(motion_px=0.6, head_motion_px=0.1, lids_px=0.1, beyond_lids_px=0.6, seconds=0.2)

REASONED = {
    "different_scenes": replace(CLEAR, different_scenes=True, observed={"cut"}),
    "occluded": replace(CLEAR, observed={"occluded"}),
    "blink_only": replace(CLEAR, motion_px=0.2, beyond_lids_px=0.2, lids_px=3.0),
    "head_motion": replace(CLEAR, motion_px=0.3, beyond_lids_px=0.3, head_motion_px=4.0),
    "no_motion": replace(CLEAR, motion_px=0.03, beyond_lids_px=0.03),
    "speech": replace(CLEAR, observed={"speech"}),
    "too_long": replace(CLEAR, seconds=4.5),
    "unsure": replace(CLEAR, motion_px=0.06, beyond_lids_px=0.06),
}


def decided(evidence: Evidence, thresholds: Thresholds = THRESHOLDS) -> tuple[str | None, object]:
    expressive = expression_probability(evidence, SHARES, THRESHOLDS)
    found = warnings(evidence, thresholds)
    return decide(evidence, found, SHARES, expressive, thresholds)


def test_a_clear_expression_has_the_most_likely_class() -> None:
    """The names are those of any model."""
    assert decided(CLEAR) == ("joy", None)


@pytest.mark.parametrize("classes", [2, 3, 5, 7])
def test_doubt_about_the_class_counts_alike_among_any_number_of_classes(classes: int) -> None:
    """Seven classes that are equally likely say as little of an expression as three."""
    three, others = (
        expression_probability(CLEAR, dict.fromkeys("abcdefg"[:count], 1 / count), THRESHOLDS)
        for count in (3, classes)
    )
    assert others == pytest.approx(three)


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_takes_the_label_away(reason: str) -> None:
    assert decided(REASONED[reason]) == (None, reason)


def test_the_first_reason_is_given() -> None:
    """In the order of `REASONS`: a cut explains a motion, a motion does not explain a cut."""
    all_apply = replace(
        CLEAR,
        different_scenes=True,
        observed={"occluded", "speech"},
        lids_px=3.0,
        head_motion_px=4.0,
        motion_px=0.03,
        beyond_lids_px=0.03,
        seconds=4.5,
    )
    removals: tuple[dict[str, Any], ...] = (
        {"different_scenes": False},
        {"observed": {"speech"}},
        {"lids_px": 0.1},
        {"head_motion_px": 0.1},
        {"motion_px": 0.06},
        {"observed": ()},
        {"seconds": 0.2},
    )
    reasons = [decided(all_apply)[1]]
    for removal in removals:
        all_apply = replace(all_apply, **removal)
        reasons.append(decided(all_apply)[1])
    assert reasons == list(REASONS)


def test_a_head_that_turns_far_is_head_motion() -> None:
    """However much its face seems to move: that much was never taken out correctly."""
    assert decided(replace(CLEAR, turn_deg=9.0)) == ("joy", None)
    assert decided(replace(CLEAR, turn_deg=11.0)) == (None, "head_motion")


def test_rising_lids_are_an_expression_up_to_the_size_of_a_blink() -> None:
    raised = replace(CLEAR, motion_px=1.2, beyond_lids_px=0.1, lids_px=1.3)
    assert decided(raised) == ("joy", None)
    assert decided(replace(raised, lids_px=2.5)) == (None, "blink_only")


def test_an_expression_during_a_blink_is_named() -> None:
    both = replace(CLEAR, lids_px=3.0, motion_px=0.9, beyond_lids_px=0.9, observed={"blink"})
    assert decided(both) == ("joy", None)


def test_the_threshold_of_unsure_is_compared_with_both_probabilities() -> None:
    sure = SHARES["joy"] * expression_probability(CLEAR, SHARES, THRESHOLDS)
    assert decided(CLEAR, Thresholds(unsure=sure + 0.001)) == (None, "unsure")
    assert decided(CLEAR, Thresholds(unsure=sure - 0.001)) == ("joy", None)


def test_the_probability_of_an_expression_grows_with_its_motion() -> None:
    rising = [
        expression_probability(replace(CLEAR, motion_px=px), SHARES, THRESHOLDS)
        for px in (0, 0.05, 0.1, 0.5)
    ]
    assert rising == sorted(rising)
    assert 0 <= rising[0] < 0.01
    assert 0.6 < rising[-1] < 1


def test_a_moving_head_makes_an_expression_less_likely() -> None:
    still, moving = (replace(CLEAR, head_motion_px=px) for px in (0.0, 5.0))
    assert (
        expression_probability(moving, SHARES, THRESHOLDS)
        < expression_probability(still, SHARES, THRESHOLDS) - 0.2
    )


def test_different_scenes_have_no_expression() -> None:
    assert expression_probability(REASONED["different_scenes"], SHARES, THRESHOLDS) == 0
