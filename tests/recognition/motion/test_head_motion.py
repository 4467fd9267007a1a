"""Head motion and expression: how a flow is divided, and the strength of the expression."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from off_tanet.recognition.motion.head_motion import (
    HeadMotion,
    expression,
    head_motion,
    steady,
    strength,
)
from off_tanet.types import Flow

from tests.support import face_motion

STILL = np.zeros((2, 112, 112), np.float32)
EXPRESSIONS = {
    "smile": face_motion.smile(1),
    "raised brows": face_motion.raised_brows(1),
    "one-sided smile": face_motion.bump(0.27, 0.70, 0.09, 0.09, -0.6, -0.8),
    "dropped jaw": face_motion.bump(0.5, 0.88, 0.16, 0.1, 0, 1),
}

matrices = st.lists(st.floats(-4, 4), min_size=6, max_size=6).map(
    lambda values: np.array(values).reshape(2, 3)
)


@given(matrices)
def test_affine_motion_is_all_head(matrix: NDArray[np.float64]) -> None:
    """The model of a head is affine: such a flow leaves no expression."""
    flow = face_motion.affine_flow(matrix)
    found = head_motion(flow).matrix
    assert found[:, :3] == pytest.approx(matrix, abs=1e-4)
    assert found[:, 3] == pytest.approx(np.zeros(2), abs=1e-4)
    assert np.abs(expression(flow)).max() < 1e-4
    assert strength(flow) < 1e-4


@given(matrices, st.sampled_from(sorted(EXPRESSIONS)), st.floats(0, 3), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_head_motion_does_not_change_the_expression(
    matrix: NDArray[np.float64], name: str, px: float, seed: int
) -> None:
    """The same smile on a moving head is the same smile, whatever else is in the flow."""
    noise = np.random.default_rng(seed).normal(0, 0.1, STILL.shape).astype(np.float32)
    flow = px * EXPRESSIONS[name] + noise
    moved = flow + face_motion.affine_flow(matrix)
    assert np.abs(expression(moved) - expression(flow)).max() < 1e-3
    assert strength(moved) == pytest.approx(strength(flow), abs=1e-3)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_little_of_an_expression_is_taken_for_head_motion(name: str) -> None:
    """A plain least-squares fit would take a fifth of a raised brow for a nod."""
    flow = EXPRESSIONS[name]
    assert head_motion(flow).magnitude_px < 0.05
    assert np.abs(expression(flow) - flow).max() < 0.2


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_strength_grows_with_the_expression(name: str) -> None:
    """One pixel of motion is one pixel: thresholds are in this unit."""
    assert 0.3 < strength(EXPRESSIONS[name]) < 1
    assert strength(3 * EXPRESSIONS[name]) == pytest.approx(
        3 * strength(EXPRESSIONS[name]), rel=0.1
    )


def test_identical_frames_have_no_strength() -> None:
    """Two equal frames are valid input and must have a strength of exactly zero."""
    assert strength(STILL) == 0
    assert head_motion(STILL).magnitude_px == 0


def test_a_blink_is_not_an_expression() -> None:
    """Eyes close in every clip; a blink of 2 px must stay below the weakest expression."""
    assert strength(face_motion.blink(2)) < 0.05 < strength(face_motion.raised_brows(0.2))


def test_a_single_wrong_vector_does_not_count() -> None:
    """Flow has outliers, above all at the hair and the image's edge."""
    flow: Flow = face_motion.smile(0.5)
    wrong = flow.copy()
    wrong[:, 90, 50] = 20
    assert strength(wrong) == pytest.approx(strength(flow), abs=0.05)


def test_uncorrelated_noise_averages_out() -> None:
    """Each vector has a small error; together they must not look like an expression."""
    noise = np.random.default_rng(0).normal(0, 0.1, STILL.shape).astype(np.float32)
    assert strength(noise) < 0.05


def test_the_magnitude_is_the_mean_length() -> None:
    """A shift by (3, 4) moves every pixel by 5."""
    assert HeadMotion(np.array([[0.0, 0, 3, 0], [0, 0, 4, 0]])).magnitude_px == pytest.approx(5)


def test_motions_add_up() -> None:
    """A head motion that is found in steps is their sum."""
    first, second = HeadMotion(np.full((2, 4), 0.5)), HeadMotion(np.eye(2, 4))
    assert np.abs((first + second).flow() - first.flow() - second.flow()).max() < 1e-6


def test_steady_undoes_a_head_motion() -> None:
    """Direction and origin must be those of the flow, or the motion is doubled."""
    matrix = np.array([[0.5, -1, 2], [1, 0.5, -1.5]])
    moved = face_motion.face_crop(face_motion.affine_flow(matrix))
    inside = np.s_[8:-8, 8:-8]
    before = np.abs(moved.astype(int) - face_motion.face_crop())[inside].mean()
    steadied = steady(moved, HeadMotion(np.column_stack([matrix, np.zeros(2)])))
    after = np.abs(steadied.astype(int) - face_motion.face_crop())[inside].mean()
    assert after < 0.1 * before
