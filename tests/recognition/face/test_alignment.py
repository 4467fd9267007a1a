"""The canonical crop: the similarity that places it, and its effect on the pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from off_tanet.recognition.face.alignment import align, similarity
from off_tanet.recognition.face.cropping import crop, whole
from off_tanet.recognition.face.geometry import AVERAGE, RIGID
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.flow import tvl1
from off_tanet.types import CROP_SIZE, Pixels, Similarity

from tests.support import factories

INSIDE = slice(8, -8)  # away from the crop's edges, where other content may come in

Points = NDArray[np.float64]


def transform(scale: float, degrees: float, x: float, y: float) -> Similarity:
    """A similarity that maps (0, 0) to (x, y)."""
    turn = np.deg2rad(degrees)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def applied(matrix: Similarity, points: Points) -> Points:
    moved: Points = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def composed(second: Similarity, first: Similarity) -> Similarity:
    """`first`, then `second`."""
    return np.column_stack([second[:, :2] @ first[:, :2], applied(second, first[:, 2])])


def inverse(matrix: Similarity) -> Similarity:
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)


def face_at(points: Points) -> FaceLandmarks:
    return FaceLandmarks(np.column_stack([points, np.zeros(len(points))]), 1.0)


SIMILARITIES = st.builds(
    transform,
    scale=st.floats(0.05, 20),
    degrees=st.floats(-180, 180),
    x=st.floats(-2000, 2000),
    y=st.floats(-2000, 2000),
)


@settings(deadline=None)
@given(SIMILARITIES)
def test_a_similar_copy_of_a_face_is_placed_exactly(where: Similarity) -> None:
    """For any size, tilt and place, the average face gives the same crop."""
    found = align(face_at(applied(where, AVERAGE[:, :2])))
    np.testing.assert_allclose(composed(found, where), np.eye(2, 3), atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_what_expresses_or_is_misplaced_moves_no_crop(seed: int) -> None:
    """A mouth that opens is no reason to move, and a landmark behind a hand is a guess."""
    random = np.random.default_rng(seed)
    points = AVERAGE[:, :2].copy()
    others = np.setdiff1d(np.arange(len(points)), RIGID)
    points[others] += random.normal(0, 8, (len(others), 2))
    points[random.choice(RIGID, 6, replace=False)] += random.normal(0, 25, (6, 2))
    corners = np.array([(0, 0), (CROP_SIZE, 0), (0, CROP_SIZE), (CROP_SIZE, CROP_SIZE)])
    assert np.abs(applied(align(face_at(points)), corners) - corners).max() < 1


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    change=st.tuples(*[st.floats(-0.3, 0.3)] * 2),
    shift=st.tuples(*[st.floats(-20, 20)] * 2),
)
def test_no_similarity_fits_better(
    seed: int, change: tuple[float, float], shift: tuple[float, float]
) -> None:
    """Least squares: any other rotation, scale and shift has at least as large a residual."""
    random = np.random.default_rng(seed)
    source = random.normal(0, 50, (5, 2))
    target = source + random.normal(0, 20, (5, 2))
    best = similarity(source, target)
    a, b = change
    other = best.copy()
    other[:, :2] = best[:, :2] @ np.array([[1 + a, -b], [b, 1 + a]])
    other[:, 2] += shift

    def left(matrix: Similarity) -> float:
        return float(((applied(matrix, source) - target) ** 2).sum())

    assert left(best) <= left(other) * (1 + 1e-9)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_mirrored_face_is_not_mirrored_back(seed: int) -> None:
    """A reflection fits mirrored points best, but would swap the face's sides."""
    source = np.random.default_rng(seed).normal(0, 50, (5, 2))
    found = similarity(source, source * (-1, 1))
    a, b = found[:, 0]
    np.testing.assert_allclose(found[:, :2], [[a, -b], [b, a]], atol=1e-9)


def test_coincident_landmarks_are_refused() -> None:
    """They have no size, and a crop of infinite scale would be silent nonsense."""
    with pytest.raises(ValueError, match="one point"):
        align(face_at(np.full((468, 2), 7.0)))


def test_the_identity_changes_nothing() -> None:
    """An image that already is the crop comes out as its own grey, pixel for pixel."""
    pixels = factories.picture(CROP_SIZE, CROP_SIZE)
    np.testing.assert_array_equal(crop(pixels, np.eye(2, 3)), factories.grey(pixels))


@settings(max_examples=50, deadline=None)
@given(SIMILARITIES, st.integers(1, 40), st.integers(1, 40))
def test_any_crop_of_a_plain_image_is_plain(where: Similarity, width: int, height: int) -> None:
    """Nothing is added at the edges, outside of the image, or at any scale."""
    plain = np.full((height, width, 3), 77, np.uint8)
    cut = crop(plain, where)
    assert cut.shape == (CROP_SIZE, CROP_SIZE)
    assert cut.dtype == np.uint8
    assert (cut == 77).all()


def textured(size: int, seed: int = 0) -> NDArray[np.float32]:
    """The portrait's face, enlarged, with skin as detailed as a good camera shows it."""
    enlarged = cv2.resize(
        factories.portrait()[50:200, 150:300], (size, size), interpolation=cv2.INTER_LANCZOS4
    )
    grain = np.random.default_rng(seed).normal(0, 1, (size, size)).astype(np.float32)
    pores = np.asarray(cv2.GaussianBlur(grain, (0, 0), 1.2), np.float32)
    skin = enlarged + (14 / pores.std() * pores)[..., None]
    return np.asarray(np.clip(skin, 0, 255), np.float32)


def moved(picture: NDArray[np.float32], by: Similarity) -> Pixels:
    warped = cv2.warpAffine(
        picture,
        by,
        picture.shape[1::-1],
        flags=cv2.INTER_LANCZOS4,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.clip(np.rint(warped), 0, 255).astype(np.uint8)


def centred(shrinking: float, size: int) -> Similarity:
    """From the middle of an image of that size to the middle of the crop, slightly rotated."""
    turn = transform(1 / shrinking, 3, 0, 0)
    middle = np.full(2, (CROP_SIZE - 1) / 2) - applied(turn, np.full(2, (size - 1) / 2))
    return composed(transform(1, 0, *middle), turn)


def misplaced(crop: NDArray[np.uint8], expected: NDArray[np.uint8]) -> float:
    """The largest displacement, in pixels, of one crop against the other.

    The affine motion that explains the difference best, from the gradients of brightness.
    """
    one, other = (
        np.asarray(cv2.GaussianBlur(each.astype(np.float64), (0, 0), 1), np.float64)
        for each in (crop, expected)
    )
    change = (other - one)[INSIDE, INSIDE].ravel()
    mean = (one + other) / 2
    down, across = (
        np.asarray(np.gradient(mean, axis=axis))[INSIDE, INSIDE].ravel() for axis in (0, 1)
    )
    span = np.linspace(-1, 1, CROP_SIZE)[INSIDE]
    columns, rows = (part.ravel() for part in np.meshgrid(span, span))
    place = np.stack([np.ones_like(rows), columns, rows])
    system = np.concatenate([across * place, down * place]).T
    motion = np.linalg.solve(system.T @ system, system.T @ change)
    return float(np.hypot(motion[:3] @ place, motion[3:] @ place).max())


def test_a_misplacement_is_measured() -> None:
    """The measure of the next test: a twentieth of a pixel is read as one."""
    picture, where = textured(300), centred(2, 300)
    shifted = where + np.array([[0, 0, 0.03], [0, 0, 0.04]])
    pixels = moved(picture, np.eye(2, 3))
    assert misplaced(crop(pixels, shifted), crop(pixels, where)) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("shrinking", [0.8, 1.3, 2, 3.5, 6])
def test_the_crop_follows_the_face_exactly(shrinking: float) -> None:
    """The same face elsewhere, rotated and scaled, gives the same crop in the same place.

    An error would be taken for motion.
    """
    size = round(150 * shrinking)
    picture, where = textured(size), centred(shrinking, size)
    expected = crop(moved(picture, np.eye(2, 3)), where)
    random = np.random.default_rng(2)
    for _ in range(6):
        turned = transform(random.uniform(0.85, 1.15), random.uniform(-10, 10), 0, 0)
        middle = np.full(2, size / 2)
        there = composed(
            transform(1, 0, *(middle + random.uniform(-3, 3, 2))),
            composed(turned, transform(1, 0, *-middle)),
        )
        again = crop(moved(picture, there), composed(where, inverse(there)))
        assert misplaced(again, expected) < 0.02
        difference = again[INSIDE, INSIDE].astype(int) - expected[INSIDE, INSIDE]
        assert np.sqrt((difference**2).mean()) < 3


@pytest.mark.parametrize("shrinking", [2, 4, 7])
def test_a_large_face_shows_no_false_flow(shrinking: float) -> None:
    """Aliased fine texture would move by itself: the flow of a shifted face is its shift.

    Sampling without averaging errs by 0.1 px at a reduction by four, 0.24 px at seven.
    """
    size = round(150 * shrinking)
    picture = textured(size)
    where = centred(shrinking, size)
    onset = crop(moved(picture, np.eye(2, 3)), where)
    random = np.random.default_rng(3)
    for _ in range(2):
        shift = random.uniform(-0.7, 0.7, 2)
        there = transform(1, 0, *np.linalg.solve(where[:, :2], shift))
        flow = tvl1(onset, crop(moved(picture, there), where))
        wrong = np.hypot(*(flow - shift[:, None, None]))[INSIDE, INSIDE]
        assert wrong.mean() < 0.04


def test_the_whole_image_can_be_the_crop() -> None:
    """`face=none`: an image of the crop's size is its own grey."""
    pixels = factories.picture(CROP_SIZE, CROP_SIZE)
    np.testing.assert_array_equal(whole(pixels), factories.grey(pixels))


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (30, 30), (112, 500), (500, 40), (640, 480), (3000, 2000)]
)
def test_any_size_becomes_the_whole_crop(width: int, height: int) -> None:
    """Every size and shape is stretched to 112 x 112, edge to edge: a ramp stays that ramp."""
    ramp = np.linspace(20, 220, width)
    pixels = np.repeat(np.tile(ramp, (height, 1))[..., None], 3, axis=2).round().astype(np.uint8)
    cut = whole(pixels)
    assert cut.shape == (CROP_SIZE, CROP_SIZE)
    assert cut.dtype == np.uint8
    centres = (np.arange(CROP_SIZE) + 0.5) * width / CROP_SIZE - 0.5
    expected = np.interp(centres, np.arange(width), ramp)
    assert np.abs(cut - expected).max() < 4


def test_a_large_image_is_averaged() -> None:
    """A checkerboard of pixels becomes grey, not a moiré pattern."""
    rows, columns = np.mgrid[:448, :448]
    board = np.dstack([255 * ((rows + columns) % 2)] * 3).astype(np.uint8)
    assert np.abs(whole(board).astype(int) - 127).max() <= 1
