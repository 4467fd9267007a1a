"""Edges and smoothing of a curve, against shapes whose edges are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from off_tanet.recognition.spotting.curves import (
    edge,
    even_moments,
    gaussian_smooth,
    lowered,
    resampled,
)


@pytest.mark.parametrize("frames", [6, 20, 45])
def test_an_edge_ends_where_the_motion_does(frames: int) -> None:
    """Onset and offset are read from here: the shape leaves a tenth of the edge undetermined."""
    rest = np.zeros(frames)
    line = np.concatenate([np.linspace(1, 0, frames + 1), rest])
    cosine = np.concatenate([0.5 + 0.5 * np.cos(np.linspace(0, np.pi, frames + 1)), rest])
    assert edge(line) == pytest.approx(frames, rel=0.12)
    assert edge(cosine) == pytest.approx(frames, rel=0.12)


def test_an_edge_does_not_depend_on_scale_and_level() -> None:
    """Weak expressions end where strong ones do."""
    course = np.array([1.0, 0.9, 0.5, 0.1, 0.0, 0.0])
    assert edge(0.01 * course + 3) == pytest.approx(edge(course))


def test_a_single_place_has_no_edges() -> None:
    """The peak may be the first frame."""
    assert edge(np.array([1.0])) == 0


def test_smoothing_keeps_constants_and_reduces_noise() -> None:
    """Over time only: one feature must not leak into its neighbour."""
    curves = np.zeros((40, 3))
    curves[:, 1] = 5
    curves[20, 2] = 1
    calm = gaussian_smooth(curves, 2.0)
    assert calm[:, 0] == pytest.approx(np.zeros(40))
    assert calm[:, 1] == pytest.approx(np.full(40, 5.0))
    assert calm[20, 2] == pytest.approx(1 / (2 * np.sqrt(2 * np.pi)), rel=0.02)
    assert calm[:, 2].sum() == pytest.approx(1)


def test_less_than_a_third_of_a_frame_is_no_smoothing() -> None:
    curves = np.random.default_rng(0).normal(size=(10, 2))
    assert gaussian_smooth(curves, 0.2) is curves


@given(
    st.lists(st.floats(1e-3, 0.2), min_size=1, max_size=60),
    st.floats(5, 500),
)
def test_even_moments_span_the_clip_and_are_no_more_than_its_frames(
    gaps: list[float], most: float
) -> None:
    """Rates vary within a clip, and a grid finer than its frames would make up evidence."""
    times_s = np.cumsum([0.5, *gaps])
    even_s = even_moments(times_s, most)
    assert 2 <= len(even_s) <= len(times_s)
    assert (even_s[0], even_s[-1]) == pytest.approx((times_s[0], times_s[-1]))
    assert np.ptp(np.diff(even_s)) == pytest.approx(0, abs=1e-9)
    assert len(even_s) == 2 or 1 / np.diff(even_s).max() <= 1.5 * most + 1e-6
    line = resampled(np.stack([times_s, 2 * times_s], axis=1), times_s, times_s)
    assert line[:, 1] == pytest.approx(2 * times_s)


@pytest.mark.parametrize("gap_s", [5e-324, 1e-300, 1e-9, 1e-5])
def test_times_that_no_camera_has_do_not_give_a_rate_that_none_has(gap_s: float) -> None:
    """A client's two frames, a nanosecond apart, had filters of six million samples."""
    even_s = even_moments(np.array([0, gap_s]), 60)
    assert (len(even_s) - 1) / (even_s[-1] - even_s[0]) == pytest.approx(1000)


@pytest.mark.parametrize("fps", [100, 250, 1000])
def test_more_frames_are_the_same_curve_with_less_noise(fps: int) -> None:
    """A raised cosine of 0.2 s comes out alike, and noise falls by the root of the frames."""
    times_s = np.arange(fps) / fps
    shape = 0.5 - 0.5 * np.cos(np.pi * np.clip(1 - np.abs(times_s - 0.5) / 0.2, 0, 1))
    even_s = even_moments(times_s, 50)
    seen = resampled(shape, times_s, even_s)
    true = 0.5 - 0.5 * np.cos(np.pi * np.clip(1 - np.abs(even_s - 0.5) / 0.2, 0, 1))
    assert seen == pytest.approx(true, abs=0.03)
    noise = np.random.default_rng(0).normal(size=(fps, 50))
    assert resampled(noise, times_s, even_s).std() < 1.2 * (50 / fps) ** 0.5


def test_rising_lids_are_not_lowered() -> None:
    """Raised brows pull them up; only a movement down and up again is a blink."""
    lids = np.concatenate([np.zeros(20), [2, 3, 2], np.zeros(20), [-1, -2, -1]])
    assert lowered(lids + 5).tolist() == np.maximum(lids, 0).tolist()
