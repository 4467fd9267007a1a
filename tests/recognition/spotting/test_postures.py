"""Expressions that hold, on landmarks of the average face whose mouth or head moves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.recognition.face.geometry import AVERAGE
from off_tanet.recognition.face.pose import unposed
from off_tanet.recognition.spotting.postures import Postures, find_holds, posture

RATE = 30.0
MOUTH = np.flatnonzero(AVERAGE[:, 1] > 75)


def smiling(px: NDArray[np.floating]) -> Postures:
    """What is found if all landmarks around the mouth are raised by `px` at each frame."""
    rng = np.random.default_rng(0)
    faces = np.repeat(AVERAGE[None], len(px), axis=0) + rng.normal(0, 0.05, (len(px), 468, 3))
    faces[:, MOUTH, 1] -= px[:, None]
    postures = np.array([posture(face.astype(np.float32)) for face in faces])
    return find_holds(postures, np.zeros((len(px), 2)), np.full(len(px), 2.0), RATE, 0.5)


def ramp(*parts: tuple[float, int]) -> NDArray[np.float64]:
    """Levels that last for numbers of frames, joined by ramps of five frames."""
    levels, frames = zip(*parts, strict=True)
    return np.convolve(np.repeat(levels, frames), np.ones(5) / 5, "same")


def test_the_pose_of_a_head_is_undone() -> None:
    """Otherwise a nod would raise the brows."""
    angle = np.radians(15)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    assert unposed(AVERAGE @ turn * 2.5 + 40) == pytest.approx(AVERAGE, abs=1e-6)


def test_a_smile_that_holds_is_found_from_foot_to_foot() -> None:
    found = smiling(ramp((0, 40), (5, 40), (0, 40)))
    (hold,) = found.holds
    assert [hold.onset, hold.offset] == pytest.approx([38, 81], abs=5)
    assert hold.strength_px == pytest.approx(5, abs=0.5)
    assert hold.prominence == pytest.approx(hold.strength_px / 2)
    assert found.away_px[:30].max() < 0.5


@pytest.mark.parametrize("parts", [((0, 30), (5, 12), (0, 60)), ((0, 30), (1.5, 30), (0, 60))])
def test_what_is_short_or_small_does_not_hold(parts: tuple[tuple[float, int], ...]) -> None:
    """Half a second of 2 px is a macro-expression."""
    assert smiling(ramp(*parts)).holds == ()


def test_the_face_rests_where_it_returns_to() -> None:
    """The smile lasts for most of the video, and is as calm as the rest."""
    (hold,) = smiling(ramp((0, 25), (5, 90), (0, 25))).holds
    assert [hold.onset, hold.offset] == pytest.approx([23, 116], abs=5)
