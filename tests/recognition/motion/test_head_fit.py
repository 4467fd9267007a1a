"""The kernel's fit of head motion is that of NumPy, on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.recognition.motion.head_motion import HeadMotionEstimator
from off_tanet.recognition.motion.head_shape import HeadShape, places

Floats = NDArray[np.float64]

SIZE = 16
TERMS = HeadShape.average().terms(SIZE)
RIGID = (np.abs(places(SIZE)[1] - 0.29) > 0.09).ravel()


def fitted(motion: Floats) -> Floats:
    """Iteratively reweighted least squares with the weights of Geman and McClure, [2, 4]."""
    terms, observed = TERMS[RIGID], motion[RIGID]
    weights = np.ones(len(terms))
    for _ in range(8):
        weighted = terms * weights[:, None]
        matrix = np.linalg.solve(weighted.T @ terms, weighted.T @ observed)
        residual = np.hypot(*(observed - terms @ matrix).T)
        scale = np.sort(residual)[len(residual) // 2] + 0.02
        weights = (1 + (residual / scale) ** 2) ** -2
    return np.asarray(matrix.T)


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("noise_px", [0.0, 0.1, 1.0])
def test_the_kernel_fits_as_numpy_does(noise_px: float) -> None:
    """An expression of 2 px at the mouth is left out by both, whatever the noise."""
    rng = np.random.default_rng(3)
    motion = TERMS @ rng.normal(0, 2, (4, 2)) + rng.normal(0, noise_px, (SIZE**2, 2))
    motion[160:200] += 2
    estimator = HeadMotionEstimator(size=SIZE)
    np.testing.assert_allclose(estimator.fit_cells(motion).matrix, fitted(motion), atol=1e-9)


@pytest.mark.parametrize("shape", [(255, 2), (256, 3), (256,), (1, 256, 2)])
def test_other_numbers_of_cells_are_refused(shape: tuple[int, ...]) -> None:
    """The kernel reads raw memory."""
    with pytest.raises(ValueError, match="motion has shape"):
        HeadMotionEstimator(size=SIZE).fit_cells(np.zeros(shape))


@pytest.mark.usefixtures("build")
def test_a_flat_head_has_a_motion() -> None:
    """Where the depth is the same everywhere, nothing tells it from a shift."""
    landmarks = np.zeros((468, 3), np.float32)
    landmarks[:, :2] = np.random.default_rng(0).uniform(10, 100, (468, 2))
    estimator = HeadMotionEstimator(HeadShape(landmarks), size=SIZE)
    shift = np.tile((1.0, -2.0), (SIZE**2, 1))
    found = estimator.fit_cells(shift)
    assert found.matrix @ estimator.shape.terms(SIZE).T == pytest.approx(shift.T, abs=1e-6)
