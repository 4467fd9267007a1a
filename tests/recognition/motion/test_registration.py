"""Registration: the motion of the cells of a face on crops whose motion is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.recognition.motion.features import MotionFeatureExtractor, cut_elsewhere
from off_tanet.recognition.motion.head_motion import HeadMotion, steady
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.recognition.motion.registration import CELLS, Registration
from off_tanet.types import Crop

from tests.recognition.flow.flow_builds import override
from tests.support import face_motion

Cells = NDArray[np.floating]

FACE = face_motion.face_crop(noise=1.0, seed=1)
SHAPE = HeadShape.average()
NOD = np.array([[0.0, 0.02, 1.5, 0.0], [-0.02, 0.0, 2.0, 0.0]]) * [112, 112, 1, 1]


def on_cells(head: HeadMotion) -> Cells:
    return np.asarray((head.matrix @ SHAPE.terms(CELLS).T).T)


def moved(head: HeadMotion) -> Crop:
    """The face after a motion of the head."""
    return steady(FACE, HeadMotion(-head.matrix, SHAPE))


def inner(cells: Cells) -> Cells:
    """The cells that stay on the crop, [10, 10, 2]."""
    return cells.reshape(CELLS, CELLS, 2)[2:-2, 2:-2]


def test_the_same_crop_does_not_move() -> None:
    assert np.abs(Registration(FACE, SHAPE).register(FACE)).max() < 1e-3


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_a_head_moves_all_cells(share: float) -> None:
    """By up to 2.5 px at once, with roll: to a tenth of a pixel."""
    head = HeadMotion(share * NOD, SHAPE)
    found = Registration(FACE, SHAPE).register(moved(head))
    assert np.abs(inner(found) - inner(on_cells(head))).mean() < 0.1


def test_a_smile_moves_its_cells() -> None:
    """The corners of the mouth by most of their pixel, the forehead not at all."""
    smile = face_motion.smile(1.0)
    found = Registration(FACE, SHAPE).register(face_motion.face_crop(smile, noise=1.0, seed=2))
    true = smile.reshape(2, CELLS, 8, CELLS, 8).mean(axis=(2, 4)).transpose(1, 2, 0)
    cells = found.reshape(CELLS, CELLS, 2)
    along = (cells * true).sum() / (true * true).sum()
    assert along == pytest.approx(1.0, abs=0.25)
    assert np.abs(cells[1:4, 3:11]).mean() < 0.1


def test_a_face_is_found_again_after_something_else() -> None:
    """A hand in front of it must not affect all later frames."""
    registration = Registration(FACE, SHAPE)
    hand = np.full_like(FACE, 90)
    for _ in range(3):
        registration.register(hand)
    found = [registration.register(FACE) for _ in range(3)][-1]
    assert np.abs(found).max() < 0.1


def test_a_crop_that_is_cut_elsewhere_is_no_expression() -> None:
    """The tracker cuts a head anew that has moved by 3 px, which is farther than a step reaches."""
    before = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    after = np.array([[1.0, 0, 4.0], [0, 1.0, -3.0]])
    jump = cut_elsewhere(before, after)
    assert jump is not None
    assert jump.matrix[:, 2] == pytest.approx([4.0, -3.0])
    assert cut_elsewhere(before, before) is None
    crop = face_motion.face_crop(face_motion.affine_flow(jump.matrix[:, :3]), noise=1.0, seed=2)
    extractor = MotionFeatureExtractor(FACE)
    extractor.extract(FACE)
    found = extractor.extract(crop, jump)
    assert found.head.matrix[:, 2] == pytest.approx([4.0, -3.0], abs=0.3)
    assert np.abs(found.features).mean() < 0.1


@pytest.mark.usefixtures("build")
def test_all_builds_measure_the_same() -> None:
    """Vectors of another width add in another order, and nothing else."""
    found = Registration(FACE, SHAPE).register(moved(HeadMotion(NOD, SHAPE)))
    with override("generic"):
        plain = Registration(FACE, SHAPE).register(moved(HeadMotion(NOD, SHAPE)))
    assert found == pytest.approx(plain, abs=1e-3)


def test_a_clipped_crop_is_registered_with_a_clipped_reference() -> None:
    """A brighter picture ends at white, where the reference in its light does not."""
    bright = np.clip(FACE * 1.2, 0, 255).astype(np.uint8)
    assert np.count_nonzero(bright == 255) > 0.02 * bright.size
    found = Registration(FACE, SHAPE).register(bright)
    assert np.abs(inner(found)).max() < 0.1
