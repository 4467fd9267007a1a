"""Blinks and widened eyes: what the lids do that is no expression, and what is."""

from __future__ import annotations

import numpy as np
import pytest
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.spotting.eyes import blinking, opening, widened

TIMES_S = np.arange(60) / 30


def eyes(closed: range, share: float) -> np.ndarray:
    """Eyes that are usually open, and closed to a share of that on some frames."""
    course = np.ones(len(TIMES_S))
    course[closed.start : closed.stop] = share
    return course


def test_a_blink_is_found() -> None:
    found = blinking(eyes(range(20, 26), 0.4), TIMES_S)
    assert np.flatnonzero(found).tolist() == list(range(20, 26))


@pytest.mark.parametrize(
    ("closed", "share"),
    [(range(20, 26), 0.88), (range(20, 50), 0.6)],
    ids=["hardly lowered", "narrowed for a second, as in a smile"],
)
def test_other_lids_are_no_blink(closed: range, share: float) -> None:
    """The apex of a smile may lie where the eyes are narrow."""
    assert not blinking(eyes(closed, share), TIMES_S).any()


def test_eyes_that_open_again_are_not_widened() -> None:
    course = eyes(range(20, 26), 0.4)
    course[40:] = 1.2
    assert np.flatnonzero(widened(course, TIMES_S)).tolist() == list(range(34, 60))


def test_without_signals_nothing_is_a_blink_and_all_lids_count() -> None:
    """Face crops have no landmarks."""
    unknown = opening([TrackedFrame(None, 0)] * 5)
    assert np.isnan(unknown).all()
    assert not blinking(unknown, TIMES_S[:5]).any()
    assert widened(unknown, TIMES_S[:5]).all()
