"""The flow: the field's answer, the sizes and inputs it takes, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from service.recognition.flow import tvl1
from tests.shared import shared


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def end_point_error(flow: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    return float(np.sqrt(((flow - truth) ** 2).sum(axis=1)).mean())


def test_answers_as_opencv_does() -> None:
    """The network was trained on OpenCV's flow: another answer would be another input."""
    reference = np.load(shared("tvl1_reference.npz"))
    opencv, truth = reference["opencv_flow"], reference["true_flow"]
    pairs = zip(reference["onset"], reference["apex"], strict=True)
    ours = np.stack([tvl1(onset, apex) for onset, apex in pairs])
    assert np.abs(ours - opencv).mean() <= 0.02
    assert abs(end_point_error(ours, truth) - end_point_error(opencv, truth)) <= 0.002


def test_motion_to_the_right_and_down_is_positive() -> None:
    """The sign is a convention that everything after the flow relies on."""
    y, x = np.mgrid[0:64, 0:64]
    onset = (127 + 60 * np.sin(x / 5) + 60 * np.cos(y / 6)).astype(np.uint8)
    apex = np.roll(onset, (1, 2), axis=(0, 1))
    u, v = tvl1(onset, apex)[:, 12:-12, 12:-12]
    assert np.median(u) == pytest.approx(2, abs=0.2)
    assert np.median(v) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("apex_level", [90, 140])
def test_frames_without_texture_do_not_move(apex_level: int) -> None:
    """A change of light on an even surface is no motion."""
    flow = tvl1(np.full((40, 50), 90, np.uint8), np.full((40, 50), apex_level, np.uint8))
    assert not flow.any()


@settings(max_examples=25, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(16, 70), st.integers(16, 70))))
def test_identical_frames_do_not_move(frame: NDArray[np.uint8]) -> None:
    """A still face is ordinary input and must be exactly still, whatever it looks like."""
    assert not tvl1(frame, frame.copy()).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(16, 90), st.integers(16, 90), st.integers(0, 2**32 - 1))
def test_any_size_gives_a_finite_flow(height: int, width: int, seed: int) -> None:
    """Rows that fill no vector and scales at the smallest side are where indices go wrong."""
    flow = tvl1(noise(height, width, seed), noise(height, width, seed + 1))
    assert flow.shape == (2, height, width)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()


@pytest.mark.parametrize(("height", "width"), [(16, 1024), (1024, 16)])
def test_the_longest_sides_work(height: int, width: int) -> None:
    """The documented range holds at its ends."""
    assert np.isfinite(tvl1(noise(height, width), noise(height, width, 1))).all()


def test_a_view_counts_as_its_copy() -> None:
    """Crops are often slices of a larger picture."""
    onset, apex = noise(80, 80), noise(80, 80, 1)
    flow = tvl1(onset[::2, 10:60].T, apex[::2, 10:60].T)
    expected = tvl1(onset[::2, 10:60].T.copy(), apex[::2, 10:60].T.copy())
    np.testing.assert_array_equal(flow, expected)


@pytest.mark.parametrize(
    ("onset", "apex", "sentence"),
    [
        (noise(20, 20), noise(20, 21), "sizes differ"),
        (noise(20, 20).astype(np.float32), noise(20, 20), "onset is no uint8 array"),
        (noise(20, 20), noise(20, 20).astype(np.int8), "apex is no uint8 array"),
        (noise(20, 60).reshape(20, 20, 3), noise(20, 20), r"onset is no uint8 array \[H, W\]"),
        (noise(20, 20).tolist(), noise(20, 20), "onset is no uint8 array"),
        (noise(15, 20), noise(15, 20), "16 to 1024"),
        (noise(20, 1025), noise(20, 1025), "16 to 1024"),
        (noise(20, 20)[:0], noise(20, 20)[:0], "16 to 1024"),
    ],
)
def test_refuses_what_it_cannot_read(onset: object, apex: object, sentence: str) -> None:
    """The kernel reads raw memory: whatever is not two equal grey pictures must stop before it."""
    with pytest.raises(ValueError, match=sentence):
        tvl1(onset, apex)  # type: ignore[arg-type]
