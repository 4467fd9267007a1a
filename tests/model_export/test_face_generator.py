"""Drawn faces: all different, each where the crop expects it."""

from __future__ import annotations

import numpy as np
import pytest
from off_tanet_export.synthesis import face_generator
from off_tanet_export.synthesis.face_generator import EXTENT, MARGIN, Sketch


def test_equal_seeds_draw_equal_faces() -> None:
    """A training run can be repeated, and uses more than one face."""
    first, again, other = (face_generator.draw(np.random.default_rng(s), 120) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 5


def test_levels_are_those_of_a_camera() -> None:
    """Clipped highlights have no texture, and no flow."""
    for seed in range(10):
        face = face_generator.draw(np.random.default_rng(seed), 130)
        assert face.shape == (130, 130)
        assert face.dtype == np.float32
        assert 3 <= face.min() < face.max() <= 252


@pytest.mark.parametrize("size", [90, 180])
def test_eyes_and_mouth_are_where_the_crop_has_them(size: int) -> None:
    """On average over faces both are darker than the cheek between them, at any resolution."""
    mean = np.mean([face_generator.draw(np.random.default_rng(s), size) for s in range(40)], axis=0)

    def level(x: float, y: float) -> float:
        column, row = (int((place + MARGIN) * size / EXTENT) for place in (x, y))
        return float(mean[row - 1 : row + 2, column - 1 : column + 2].mean())

    cheek = level(0.3, 0.5)
    assert level(0.265, 0.28) < 0.9 * cheek
    assert level(0.5, 0.755) < 0.9 * cheek
    assert level(0.3, 0.155) < 0.95 * cheek


def test_sketches_are_drawn_in_fractions_of_the_crop() -> None:
    """A dot at the crop's middle is the image's middle, for any margin."""
    sketch = Sketch(150)
    sketch.ellipse((0.5, 0.5), (0.02, 0.02), 1.0)
    rows, columns = np.nonzero(sketch.levels > 0.5)
    assert (rows.mean(), columns.mean()) == pytest.approx((75, 75), abs=1)
