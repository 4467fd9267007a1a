"""Scaled copies and square cut-outs: they must lie exactly at their places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.recognition.face.pyramid import Octaves
from off_tanet.types import Pixels


def slopes(width: int, height: int) -> Pixels:
    """Blue rises by 2 for each column, green for each row: a pixel shows its origin."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.dstack([2 * columns, 2 * rows, np.zeros_like(rows)]).astype(np.uint8)


@settings(deadline=None)
@given(
    width=st.integers(100, 127),
    height=st.integers(100, 127),
    left=st.floats(8, 40),
    top=st.floats(8, 40),
    side=st.floats(3, 50),
    cell=st.sampled_from([12, 24]),
)
def test_a_cut_shows_the_requested_square(
    width: int, height: int, left: float, top: float, side: float, cell: int
) -> None:
    """Landmarks are relative to the square: an offset here would be an offset there.

    Three roundings to whole levels (two halvings and the cut) add up to at most 0.75 of a pixel.
    """
    square = np.array([[left, top, left + side, top + side]])
    (patch,) = Octaves(slopes(width, height)).cut(square, cell)
    centres = (np.arange(cell) + 0.5) * side / cell - 0.5
    assert np.abs(patch[..., 0] / 2 - (left + centres)).max() < 0.8
    assert np.abs(patch[..., 1] / 2 - (top + centres)[:, None]).max() < 0.8


def test_beyond_the_image_its_edge_is_repeated() -> None:
    """A face at the image's edge continues with its own colours."""
    octaves = Octaves(slopes(100, 100))
    left, right = octaves.cut(np.array([[-50.0, 10, -20, 40], [120, 10, 150, 40]]), 12)
    assert left[..., 0].max() <= 2
    assert right[..., 0].min() >= 196


def test_no_squares_are_no_patches() -> None:
    """An image without proposals is valid input."""
    assert Octaves(slopes(20, 20)).cut(np.empty((0, 4)), 24).shape == (0, 24, 24, 3)


@settings(deadline=None)
@given(width=st.integers(1, 127), height=st.integers(1, 127), scale=st.floats(0.01, 1))
def test_a_scaled_copy_shows_the_whole_image(width: int, height: int, scale: float) -> None:
    """It has the scaled size, and its centre is the image's centre."""
    copy = Octaves(slopes(width, height)).scaled(scale)
    assert copy.shape == (max(1, round(height * scale)), max(1, round(width * scale)), 3)
    middle = copy.reshape(-1, 3).mean(axis=0)[:2] / 2
    assert np.abs(middle - ((width - 1) / 2, (height - 1) / 2)).max() < 0.75


def test_shrinking_averages() -> None:
    """A checkerboard of pixels becomes grey; aliasing would keep it black and white."""
    rows, columns = np.mgrid[:256, :256]
    board = np.dstack([255 * ((rows + columns) % 2)] * 3).astype(np.uint8)
    assert np.abs(Octaves(board).scaled(0.2).astype(int) - 127).max() <= 2


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("place", [10, 20_000, 39_950])
def test_a_cut_from_a_long_strip_shows_its_square(tall: bool, place: int) -> None:
    """OpenCV does not cut from sides of 32,767 pixels or more: scrolling screenshots are longer."""
    strip = np.zeros((40, 40_000, 3), np.uint8)
    strip[:, place : place + 24] = 200
    square = np.array([[place, 8, place + 24, 32]], float)
    if tall:
        strip, square = strip.transpose(1, 0, 2).copy(), square[:, [1, 0, 3, 2]]
    (patch,) = Octaves(strip).cut(square, 24)
    assert (patch[2:-2, 2:-2] == 200).all()
