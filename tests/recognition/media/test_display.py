"""The orientation of frames: eight rotations and mirrors, and pixels that are not square."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from off_tanet.recognition.media.display import square_size
from off_tanet.recognition.media.turns import Turn

from tests.support import factories

PICTURE = factories.picture(4, 6)
TURNS = {
    "as it is": ((1, 0, 0, 1), PICTURE),
    "mirrored": ((-1, 0, 0, 1), PICTURE[:, ::-1]),
    "upside down in a mirror": ((1, 0, 0, -1), PICTURE[::-1]),
    "half a turn": ((-1, 0, 0, -1), PICTURE[::-1, ::-1]),
    "transposed": ((0, 1, 1, 0), PICTURE.transpose(1, 0, 2)),
    "a quarter turn": ((0, 1, -1, 0), np.rot90(PICTURE, -1)),
    "three quarters": ((0, -1, 1, 0), np.rot90(PICTURE)),
    "transposed the other way": ((0, -1, -1, 0), np.rot90(PICTURE, 2).transpose(1, 0, 2)),
    "ten degrees": ((0.985, 0.174, -0.174, 0.985), PICTURE),
    "eighty degrees": ((0.174, 0.985, -0.985, 0.174), np.rot90(PICTURE, -1)),
    "an eighth of a turn": ((0.7071, 0.7071, -0.7071, 0.7071), PICTURE),
    "a shear": ((1, 0.4, 0, 1), PICTURE),
    "twice as large": ((2, 0, 0, 2), PICTURE),
    "twice as large, mirrored": ((-2, 0, 0, 2), PICTURE[:, ::-1]),
    "nothing": ((0, 0, 0, 0), PICTURE),
}


def matrix(a: float, b: float, c: float, d: float) -> bytes:
    """FFmpeg's matrix: x goes to a x + c y, y to b x + d y; its translation is ignored."""
    one = 1 << 16
    turn = [round(a * one), round(b * one), 0, round(c * one), round(d * one), 0]
    return struct.pack("=9i", *turn, 640 * one, -480 * one, 1 << 30)


@pytest.mark.parametrize("name", TURNS)
def test_the_nearest_of_the_eight_orientations_is_used(name: str) -> None:
    """The angle alone loses mirrors; a matrix near none of them is ignored."""
    parts, expected = TURNS[name]
    assert np.array_equal(Turn.of_matrix(matrix(*parts)).apply(PICTURE), expected)


@given(st.tuples(*[st.integers(-(2**31), 2**31 - 1)] * 9))
def test_any_matrix_keeps_every_pixel(numbers: tuple[int, ...]) -> None:
    """The matrix comes from the file."""
    shown = Turn.of_matrix(struct.pack("=9i", *numbers)).apply(PICTURE)
    assert sorted(shown.reshape(-1, 3).tolist()) == sorted(PICTURE.reshape(-1, 3).tolist())


@pytest.mark.parametrize(
    ("aspect", "expected"),
    [
        (None, (320, 480)),
        (Fraction(0), (320, 480)),
        (Fraction(1), (320, 480)),
        (Fraction(2), (640, 480)),
        (Fraction(1, 2), (320, 960)),
        (Fraction(10_000), (320, 1)),
        (Fraction(1, 10_000), (1, 480)),
        (Fraction(4), (320, 120)),
    ],
)
def test_pixels_become_square_within_the_limit(
    aspect: Fraction | None, expected: tuple[int, int]
) -> None:
    """A side grows, so that nothing is lost; the other shrinks if the frame became too large."""
    assert square_size(320, 480, aspect, 500_000) == expected


@given(st.integers(1, 5000), st.integers(1, 5000), st.fractions(0, 10**9), st.integers(0, 1000))
def test_a_frame_within_its_limit_stays_there(
    width: int, height: int, aspect: Fraction, spare: int
) -> None:
    """For any pixel aspect ratio that a file declares."""
    most = width * height + spare
    shown = square_size(width, height, aspect, most)
    assert min(shown) >= 1
    assert shown[0] * shown[1] <= most
