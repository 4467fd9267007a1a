"""The arithmetic of the face stage in C++ is that of OpenCV and NumPy, on every instruction set."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.recognition.face import kernel
from off_tanet.recognition.face.geometry import AVERAGE, RIGID
from off_tanet.types import CROP_SIZE, Crop, Similarity

from tests.support import face_motion

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RNG = np.random.default_rng(5)
EYES = np.array([[30, 31], [82, 31]], np.intc)
BLOCK = 14


def transform(scale: float, degrees: float, x: float, y: float) -> Similarity:
    """A similarity that maps (x, y) to the middle of the crop."""
    cos, sin = scale * np.cos(np.deg2rad(degrees)), scale * np.sin(np.deg2rad(degrees))
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, np.full(2, CROP_SIZE / 2) - turn @ (x, y)])


def half(reach: int) -> Floats:
    """A filter of the reach from its middle on."""
    taps = cv2.getGaussianKernel(2 * reach + 1, max(reach / 3, 0.1), cv2.CV_32F)
    return np.asarray(taps[reach:, 0], np.float32)


def sampled(grey: Crop, weights: Floats, similarity: Similarity) -> Crop:
    """What OpenCV samples."""
    whole = np.concatenate([weights[:0:-1], weights])
    border = cv2.BORDER_REPLICATE
    smooth = cv2.sepFilter2D(grey, cv2.CV_32F, whole, whole, borderType=border)
    size = (CROP_SIZE, CROP_SIZE)
    levels = cv2.warpAffine(smooth, similarity, size, flags=cv2.INTER_CUBIC, borderMode=border)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("reach", [0, 1, 4])
@pytest.mark.parametrize(
    "similarity",
    [
        transform(0.5, 0, 120, 100),
        transform(0.35, 33, 130, 90),
        transform(0.7, -170, 20, 190),  # a third of it lies outside the picture
        transform(1.7, 90, 100, 100),
        transform(0.5, 5, -5000, 9000),
        transform(1e-4, 0, 0, 0),
    ],
)
def test_a_crop_is_sampled_as_by_opencv(reach: int, similarity: Similarity) -> None:
    """To the rounding: where a level lies between two, one of a thousand pixels is the other."""
    grey = np.asarray(cv2.resize(RNG.integers(0, 256, (55, 61), np.uint8), (243, 221)), np.uint8)
    found = kernel.sample_crop(grey, half(reach), similarity)
    error = np.abs(found.astype(int) - sampled(grey, half(reach), similarity))
    assert error.max() <= 1
    assert np.count_nonzero(error) <= error.size / 500


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 2)])
def test_a_crop_of_a_tiny_picture_repeats_its_border(size: tuple[int, int]) -> None:
    """The filter is wider than the picture."""
    grey = np.full(size, 77, np.uint8)
    found = kernel.sample_crop(grey, half(6), transform(20, 10, 0.5, 0.5))
    assert np.array_equal(found, np.full((CROP_SIZE, CROP_SIZE), 77))


def test_a_part_of_a_picture_is_sampled_as_its_copy() -> None:
    """The rows of a part do not follow each other in memory."""
    part = RNG.integers(0, 256, (200, 220), np.uint8)[20:150, 30:180]
    assert not part.flags.c_contiguous
    where = transform(0.8, 3, 70, 60)
    found, expected = (kernel.sample_crop(each, half(2), where) for each in (part, part.copy()))
    np.testing.assert_array_equal(found, expected)


def fitted(points: Doubles, steps: int) -> Similarity:
    """Reweighted least squares with the weights of Geman and McClure, by the solver of NumPy."""
    target, weights = AVERAGE[RIGID, :2].ravel(), np.ones(len(RIGID))
    (x, y), zero, one = points[RIGID, :2].T, np.zeros(len(RIGID)), np.ones(len(RIGID))
    terms = np.stack([x, -y, one, zero, y, x, zero, one], 1).reshape(-1, 4)
    for _ in range(steps):
        root = np.sqrt(np.repeat(weights, 2))
        (a, b, left, top), *_ = np.linalg.lstsq(terms * root[:, None], target * root, rcond=None)
        distances = np.hypot(*(terms @ (a, b, left, top) - target).reshape(-1, 2).T)
        spread = np.median(distances) + 0.5
        weights = 1 / (1 + (distances / (2 * spread)) ** 2) ** 2
    return np.array([[a, -b, left], [b, a, top]])


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("noise_px", [0.0, 1.0, 20.0])
def test_a_similarity_is_fitted_as_by_numpy(steps: int, noise_px: float) -> None:
    """Some landmarks are far from where they belong."""
    turn = transform(3.0, 20, 10, 20)
    points = AVERAGE[:, :2] @ turn[:, :2].T + turn[:, 2] + RNG.normal(0, noise_px, (468, 2))
    points[RIGID[:8]] += 60
    found = kernel.SimilarityFitter(AVERAGE, RIGID, steps).fit(points)
    np.testing.assert_allclose(found, fitted(points, steps), rtol=1e-9, atol=1e-9)


def upright(seed: int) -> Floats:
    """A face in other light each time, as `visibility` looks at it."""
    face = face_motion.face_crop(noise=2.0, seed=seed).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(face, (7, 7), 1) * 0.6 + 5 * seed, np.float32)


def mouth_and_eyes(face: Floats) -> tuple[float, float]:
    low, high = np.percentile(face[::2, ::2], [2, 98])
    even = np.clip((face - low) * 200 / max(high - low, 1) + 20, 0, 255)
    rows = np.log(even[56:107, 42:70] + 8).mean(axis=1)
    above, below = np.maximum.accumulate(rows), np.maximum.accumulate(rows[::-1])[::-1]
    shares = []
    for x, y in EYES:
        skin = even[y + 12 : y + 20, x - 8 : x + 9].mean()
        shares.append((even[y - 5 : y + 6, x - 8 : x + 9] < 0.6 * skin).mean())
    return float((np.minimum(above, below) - rows).max()), float(np.mean(shares))


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("seed", range(4))
def test_mouth_and_eyes_are_measured_as_by_numpy(seed: int) -> None:
    """On an even picture, too, where nothing can be stretched."""
    for face in (upright(seed), np.full((CROP_SIZE, CROP_SIZE), 90.0 + seed, np.float32)):
        found, expected = kernel.appearance(face, EYES), mouth_and_eyes(face)
        assert found == pytest.approx(expected, abs=1e-5)


def changed(before: Floats, after: Floats) -> float:
    """The share of the inner blocks with contrast that do not correlate."""
    unlike, textured = 0, 0
    for y in range(BLOCK, CROP_SIZE - BLOCK, BLOCK):
        for x in range(BLOCK, CROP_SIZE - BLOCK, BLOCK):
            first, second = (each[y : y + BLOCK, x : x + BLOCK].ravel() for each in (before, after))
            if max(first.std(), second.std()) > 4:
                textured += 1
                unlike += np.corrcoef(first, second)[0, 1] < 0.4
    return unlike / max(textured, 1)


@pytest.mark.usefixtures("build")
def test_blocks_are_compared_as_by_numpy() -> None:
    """Of the same face in other light none has changed, of one that is partly hidden some have."""
    face, hidden = upright(1), upright(2)
    assert kernel.changed_share(face, upright(2)) == changed(face, upright(2)) == 0
    hidden[60:] = cv2.GaussianBlur(
        RNG.uniform(0, 255, (52, CROP_SIZE)).astype(np.float32), (7, 7), 1
    )
    assert kernel.changed_share(face, hidden) == changed(face, hidden) > 0.2
    flat = np.zeros_like(face)
    assert kernel.changed_share(flat, flat) == 0


def test_other_shapes_are_refused() -> None:
    """The kernel reads raw memory."""
    small, fitter = np.zeros((111, 112), np.float32), kernel.SimilarityFitter(AVERAGE, RIGID, 3)
    for wrong in (np.zeros((467, 2)), np.zeros((468, 1)), np.zeros(468), np.zeros((468, 4))):
        with pytest.raises(ValueError, match="the points have shape"):
            fitter.fit(wrong)
    with pytest.raises(ValueError, match="the crop has shape"):
        kernel.appearance(small, EYES)
    with pytest.raises(ValueError, match="the crop has shape"):
        kernel.changed_share(np.zeros((112, 112), np.float32), small)
