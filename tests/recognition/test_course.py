"""Edges and smoothing of a course, against shapes whose edges are known."""

from __future__ import annotations

import numpy as np
import pytest

from service.recognition.course import edge, smoothed


@pytest.mark.parametrize("frames", [6, 20, 45])
def test_an_edge_ends_where_the_motion_does(frames: int) -> None:
    """Onset and offset are read off here: a tenth of the edge is what the shape leaves open."""
    rest = np.zeros(frames)
    line = np.concatenate([np.linspace(1, 0, frames + 1), rest])
    cosine = np.concatenate([0.5 + 0.5 * np.cos(np.linspace(0, np.pi, frames + 1)), rest])
    assert edge(line) == pytest.approx(frames, rel=0.12)
    assert edge(cosine) == pytest.approx(frames, rel=0.12)


def test_an_edge_knows_no_scale_and_no_level() -> None:
    """Weak expressions end where strong ones do."""
    course = np.array([1.0, 0.9, 0.5, 0.1, 0.0, 0.0])
    assert edge(0.01 * course + 3) == pytest.approx(edge(course))


def test_a_single_place_reaches_nowhere() -> None:
    """The peak may be the first frame there is."""
    assert edge(np.array([1.0])) == 0


def test_smoothing_keeps_what_is_even_and_calms_what_is_not() -> None:
    """Over time alone: one feature must not leak into its neighbour."""
    curves = np.zeros((40, 3))
    curves[:, 1] = 5
    curves[20, 2] = 1
    calm = smoothed(curves, 2.0)
    assert calm[:, 0] == pytest.approx(np.zeros(40))
    assert calm[:, 1] == pytest.approx(np.full(40, 5.0))
    assert calm[20, 2] == pytest.approx(1 / (2 * np.sqrt(2 * np.pi)), rel=0.02)
    assert calm[:, 2].sum() == pytest.approx(1)


def test_less_than_a_third_of_a_frame_is_no_smoothing() -> None:
    curves = np.random.default_rng(0).normal(size=(10, 2))
    assert smoothed(curves, 0.2) is curves
