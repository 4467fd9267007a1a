"""Light is not motion: what a change of light leaves of two crops of one face."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from off_tanet.limits import Thresholds
from off_tanet.recognition.flow import tvl1
from off_tanet.recognition.flow.light import matched
from off_tanet.recognition.motion import head_motion
from off_tanet.recognition.motion.features import MotionFeatureExtractor
from off_tanet.types import Crop

from tests.support import factories

FACE = factories.face_crop(noise=1.0, seed=1)
ACROSS = np.linspace(-1, 1, 112)
Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]
CHANGES: dict[str, Change] = {
    "darker by a fifth": lambda levels: 0.8 * levels,
    "brighter by a fifth": lambda levels: 1.2 * levels,
    "a black that is raised": lambda levels: levels + 20,
    "a black that is lowered": lambda levels: levels - 20,
    "gamma 0.8": lambda levels: 255 * (levels / 255) ** 0.8,
    "gamma 1.25": lambda levels: 255 * (levels / 255) ** 1.25,
    "light from the left": lambda levels: levels * (1 - 0.2 * ACROSS),
    "light from above": lambda levels: levels * (1 - 0.2 * ACROSS[:, None]),
    "the bands of a lamp": lambda levels: levels * (1 + 0.12 * np.sin(4 * ACROSS[:, None])),
}
each_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def lit(crop: Crop, change: Change) -> Crop:
    return np.clip(np.rint(change(crop.astype(np.float64))), 0, 255).astype(np.uint8)


def reaches(crop: Crop, other: Crop) -> NDArray[np.bool_]:
    """Pixels that are clipped in neither, and whose brightness is therefore known."""
    return np.asarray((np.minimum(crop, other) > 0) & (np.maximum(crop, other) < 255))


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.uint8, (112, 112)))
def test_equal_pictures_stay_as_they_are(crop: Crop) -> None:
    """A still face must be exactly still, whatever it looks like."""
    pair = matched(crop, crop.copy())
    np.testing.assert_array_equal(pair.apex, crop)
    np.testing.assert_array_equal(pair.onset, crop)
    assert pair.unmatched == 0
    assert pair.clipped == 0


@settings(max_examples=20, deadline=None)
@given(
    arrays.arrays(np.uint8, (7, 7)), arrays.arrays(np.uint8, (7, 7)), st.sampled_from((1, 4, 16))
)
def test_any_two_pictures_give_crops(a: Crop, b: Crop, block: int) -> None:
    """Black, white, flat and unrelated pictures are where a system of equations has no answer."""
    onset, apex = (
        np.resize(np.kron(small, np.ones((block, block))), (112, 112)) for small in (a, b)
    )
    pair = matched(onset.astype(np.uint8), apex.astype(np.uint8))
    assert pair.onset.shape == pair.apex.shape == (112, 112)
    assert pair.onset.dtype == pair.apex.dtype == np.uint8
    assert np.isfinite(pair.unmatched)
    assert 0 <= pair.clipped <= 1


@settings(max_examples=30, deadline=None)
@given(st.floats(0.8, 1.2), st.floats(-20, 20))
def test_any_gain_and_offset_are_undone(gain: float, offset: float) -> None:
    """To a grey level, wherever neither picture is clipped."""
    apex = lit(FACE, lambda levels: gain * levels + offset)
    undone = matched(FACE, apex).apex
    difference = np.abs(undone.astype(int) - FACE)[reaches(FACE, apex)]
    assert difference.mean() <= 0.5
    assert np.percentile(difference, 99) <= 1


@each_change
def test_the_same_picture_in_another_light_does_not_move(change: Change) -> None:
    """In either order. 5% of light made 2 px of motion; a faint action unit makes 0.1."""
    other = lit(FACE, change)
    assert head_motion.strength(matched(FACE, other).flow()) < 0.1
    assert head_motion.strength(matched(other, FACE).flow()) < 0.1


@each_change
@pytest.mark.parametrize("head_px", [0.0, 3.0])
def test_a_motion_is_seen_as_without_the_change_of_light(change: Change, head_px: float) -> None:
    """Neither the light may pass for motion, nor a smile or a head that moves for light."""
    head = factories.affine_flow(
        np.array([[0.5, 0.5, head_px], [0.5, -0.5, -head_px / 2]]) * bool(head_px)
    )
    apex = factories.face_crop(factories.smile(1.5) + head, noise=1.0, seed=2)
    plain, seen = tvl1(FACE, apex), matched(FACE, lit(apex, change)).flow()
    assert np.hypot(*(seen - plain)).mean() < 0.1
    assert head_motion.strength(seen) == pytest.approx(head_motion.strength(plain), abs=0.15)


@pytest.mark.parametrize("head_px", [0.0, 1.0, 3.0])
def test_motion_alone_changes_no_light(head_px: float) -> None:
    """Edges that have moved make cells brighter and darker: they must not pass for a lamp."""
    head = factories.affine_flow(np.array([[0, 0, head_px], [0, 0, -head_px]]))
    apex = factories.face_crop(factories.smile(1.5) + head, noise=1.0, seed=2)
    pair = matched(FACE, apex)
    assert np.abs(pair.apex.astype(int) - apex).mean() < 1
    assert pair.unmatched < Thresholds().unmatched_light
    assert pair.clipped < Thresholds().clipped_share


def test_what_is_clipped_is_cut_in_both() -> None:
    """A cheek that is white in one picture and textured in the other would seem to move."""
    apex = lit(FACE, lambda levels: 1.5 * levels)
    pair = matched(FACE, apex)
    assert pair.onset.max() < FACE.max()
    assert head_motion.strength(pair.flow()) < Thresholds().low_motion_px
    assert pair.clipped > 0.02


def test_a_hard_shadow_is_told() -> None:
    """No smooth change of light undoes it."""
    apex = FACE.copy()
    apex[:, 56:] //= 2
    assert matched(FACE, apex).unmatched > Thresholds().unmatched_light


@each_change
def test_postures_do_not_follow_the_light(change: Change) -> None:
    """A lamp that flickers would be an expression in every clip."""
    apex = factories.face_crop(factories.smile(1.0), noise=1.0, seed=2)
    plain, seen = (MotionFeatureExtractor(FACE).extract(crop) for crop in (apex, lit(apex, change)))
    assert np.abs(seen.features - plain.features).max() < 0.25
    assert seen.head.magnitude_px == pytest.approx(plain.head.magnitude_px, abs=0.2)
