"""Light matching: a change of light between two crops of one face is not motion."""

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
from off_tanet.recognition.flow.light import _fit, matched
from off_tanet.recognition.motion import head_motion
from off_tanet.recognition.motion.features import MotionFeatureExtractor
from off_tanet.types import Crop

from tests.recognition.flow import light_reference
from tests.support import face_motion

FACE = face_motion.face_crop(noise=1.0, seed=1)
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
    """Pixels that are clipped in neither crop, so that their brightness is known."""
    return np.asarray((np.minimum(crop, other) > 0) & (np.maximum(crop, other) < 255))


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.uint8, (112, 112)))
def test_equal_images_stay_unchanged(crop: Crop) -> None:
    """A still face must be exactly still, whatever its content."""
    pair = matched(crop, crop.copy())
    np.testing.assert_array_equal(pair.apex, crop)
    np.testing.assert_array_equal(pair.onset, crop)
    assert pair.unmatched == 0
    assert pair.clipped == 0


@each_change
@pytest.mark.usefixtures("build")
def test_the_kernel_fits_as_numpy_does(change: Change) -> None:
    """On every instruction set; the terms of light are in grey levels."""
    apex = lit(face_motion.face_crop(face_motion.smile(1.0), noise=1.0, seed=3), change)
    terms, unmatched = _fit(FACE, apex)
    expected, expected_unmatched = light_reference.fitted(FACE, apex)
    np.testing.assert_allclose(terms, expected, rtol=0, atol=2e-3)
    assert unmatched == pytest.approx(expected_unmatched, rel=1e-3)


@pytest.mark.parametrize("other", [FACE[:-1], FACE.astype(np.float32), FACE[None]])
def test_what_is_no_crop_is_refused(other: NDArray[np.generic]) -> None:
    """The kernel reads raw memory."""
    for pair in ((FACE, other), (other, FACE)):
        with pytest.raises(ValueError, match="no crop"):
            matched(*pair)


@settings(max_examples=20, deadline=None)
@given(
    arrays.arrays(np.uint8, (7, 7)), arrays.arrays(np.uint8, (7, 7)), st.sampled_from((1, 4, 16))
)
def test_any_two_images_give_crops(a: Crop, b: Crop, block: int) -> None:
    """For black, white, flat and unrelated images the equations have no unique solution."""
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
    """To one grey level, wherever neither image is clipped."""
    apex = lit(FACE, lambda levels: gain * levels + offset)
    undone = matched(FACE, apex).apex
    difference = np.abs(undone.astype(int) - FACE)[reaches(FACE, apex)]
    assert difference.mean() <= 0.5
    assert np.percentile(difference, 99) <= 1


@each_change
def test_the_same_image_in_another_light_does_not_move(change: Change) -> None:
    """In either order. 5% of light made 2 px of motion; a faint action unit makes 0.1."""
    other = lit(FACE, change)
    assert head_motion.strength(matched(FACE, other).flow()) < 0.1
    assert head_motion.strength(matched(other, FACE).flow()) < 0.1


@each_change
@pytest.mark.parametrize("head_px", [0.0, 3.0])
def test_a_motion_is_measured_as_without_the_change_of_light(
    change: Change, head_px: float
) -> None:
    """Light must not pass for motion, nor a smile or a moving head for light."""
    head = face_motion.affine_flow(
        np.array([[0.5, 0.5, head_px], [0.5, -0.5, -head_px / 2]]) * bool(head_px)
    )
    apex = face_motion.face_crop(face_motion.smile(1.5) + head, noise=1.0, seed=2)
    plain, seen = tvl1(FACE, apex), matched(FACE, lit(apex, change)).flow()
    assert np.hypot(*(seen - plain)).mean() < 0.1
    assert head_motion.strength(seen) == pytest.approx(head_motion.strength(plain), abs=0.15)


@pytest.mark.parametrize("head_px", [0.0, 1.0, 3.0])
def test_motion_alone_changes_no_light(head_px: float) -> None:
    """Moved edges make cells brighter or darker, which must not pass for a lamp."""
    head = face_motion.affine_flow(np.array([[0, 0, head_px], [0, 0, -head_px]]))
    apex = face_motion.face_crop(face_motion.smile(1.5) + head, noise=1.0, seed=2)
    pair = matched(FACE, apex)
    assert np.abs(pair.apex.astype(int) - apex).mean() < 1
    assert pair.unmatched < Thresholds().unmatched_light
    assert pair.clipped < Thresholds().clipped_share


def test_what_is_clipped_is_clipped_in_both() -> None:
    """A cheek that is white in one image and textured in the other would seem to move."""
    apex = lit(FACE, lambda levels: 1.5 * levels)
    pair = matched(FACE, apex)
    assert pair.onset.max() < FACE.max()
    assert head_motion.strength(pair.flow()) < Thresholds().low_motion_px
    assert pair.clipped > 0.02


def test_a_hard_shadow_is_reported() -> None:
    """A smooth change of light cannot undo it."""
    apex = FACE.copy()
    apex[:, 56:] //= 2
    assert matched(FACE, apex).unmatched > Thresholds().unmatched_light


@each_change
def test_motion_features_do_not_depend_on_light(change: Change) -> None:
    """A flickering lamp would be an expression in every clip."""
    apex = face_motion.face_crop(face_motion.smile(1.0), noise=1.0, seed=2)
    plain, seen = (MotionFeatureExtractor(FACE).extract(crop) for crop in (apex, lit(apex, change)))
    assert np.abs(seen.features - plain.features).max() < 0.25
    assert seen.head.magnitude_px == pytest.approx(plain.head.magnitude_px, abs=0.2)
