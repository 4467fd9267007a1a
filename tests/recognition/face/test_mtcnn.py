"""The geometry between MTCNN's networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.recognition.face.mtcnn import (
    BORDER,
    CELL,
    MOST_PIXELS,
    STRIDE,
    Boxes,
    Mtcnn,
    around,
    bordered,
    corrected,
    scales,
    squared,
    suppress,
    windows,
)
from off_tanet.recognition.face.pyramid import Octaves

from tests.support import factories
from tests.support.paths import ROOT

FOLDER = ROOT / "service/off_tanet/assets" / "mtcnn"


def boxes(count: int, seed: int) -> Boxes:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 60, (count, 2))
    return np.hstack([corner, corner + random.uniform(5, 40, (count, 2))])


def overlap(one: Boxes, other: Boxes, inside: bool) -> float:
    """The overlap of two boxes [4], computed directly."""
    shared = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.prod(np.maximum(shared, 0)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (one, other)]
    return common / (min(areas) if inside else sum(areas) - common)


@settings(deadline=None)
@given(
    count=st.integers(0, 25),
    seed=st.integers(0, 2**32 - 1),
    limit=st.floats(0.1, 0.9),
    inside=st.booleans(),
)
def test_a_suppressed_box_has_a_better_neighbour(
    count: int, seed: int, limit: float, inside: bool
) -> None:
    """Kept boxes are separate, best first; a dropped one overlaps a kept one of a higher score."""
    candidates = boxes(count, seed)
    scores = np.random.default_rng(seed + 1).uniform(0, 1, count)
    kept = suppress(candidates, scores, limit, inside)
    assert list(scores[kept]) == sorted(scores[kept], reverse=True)
    for place, index in enumerate(kept):
        for better in kept[:place]:
            assert overlap(candidates[index], candidates[better], inside) <= limit + 1e-9
    for index in set(range(count)) - set(kept.tolist()):
        assert any(
            scores[better] >= scores[index]
            and overlap(candidates[index], candidates[better], inside) > limit - 1e-9
            for better in kept
        )


def test_offsets_are_in_widths_and_heights() -> None:
    """A tenth moves a side by a tenth of the box in its own direction."""
    moved = corrected(np.array([[10.0, 20, 30, 60]]), np.array([[0.1, -0.1, 0, 0.5]], np.float32))
    np.testing.assert_allclose(moved, [[12, 16, 30, 80]], atol=1e-5)


def test_a_box_becomes_a_square_around_its_centre() -> None:
    """The next network needs a square, which must neither stretch the face nor be empty."""
    found = squared(np.array([[10.0, 20, 30, 60], [5, 5, 5, 5]]))
    np.testing.assert_allclose(found, np.array([[0, 20, 40, 60], [4.5, 4.5, 5.5, 5.5]]))


@settings(deadline=None)
@given(scale=st.floats(0.1, 50), x=st.floats(-100, 100), y=st.floats(-100, 100))
def test_the_square_around_landmarks_moves_and_grows_with_them(
    scale: float, x: float, y: float
) -> None:
    """The second detection depends only on the face."""
    marks = np.random.default_rng(0).uniform(0, 1, (1, 5, 2))
    np.testing.assert_allclose(
        around(marks * scale + (x, y)), around(marks) * scale + (x, y, x, y), atol=1e-6
    )


@settings(deadline=None)
@given(width=st.integers(1, 5000), height=st.integers(1, 5000), smallest=st.floats(12, 400))
def test_every_size_of_face_has_its_scale(width: int, height: int, smallest: float) -> None:
    """From the smallest face to one that fills the image, some scale makes it P-Net's cell."""
    found = list(scales((width, height), smallest))
    side = float(smallest)
    while side <= min(width, height):
        assert any(0.8 < scale * side / CELL < 1.25 for scale in found)
        side *= 1.3


def test_the_border_repeats_the_edge() -> None:
    """Black bars around the image would look like content to the network."""
    level = factories.picture(7, 9)
    wide = bordered(level)
    np.testing.assert_array_equal(wide[BORDER:-BORDER, BORDER:-BORDER], level)
    np.testing.assert_array_equal(wide[0, 0], level[0, 0])
    np.testing.assert_array_equal(wide[-1, -1], level[-1, -1])


def test_detections_belong_together() -> None:
    """Boxes, scores and landmarks have equal lengths, and the landmarks lie in their boxes."""
    found = Mtcnn(FOLDER).detect(Octaves(factories.portrait()), smallest=60)
    assert found.boxes.shape == (1, 4)
    assert found.scores == pytest.approx([1], abs=0.01)
    assert found.landmarks.shape == (1, 5, 2)
    left, top, right, bottom = found.boxes[0]
    assert (found.landmarks[0] > (left, top)).all()
    assert (found.landmarks[0] < (right, bottom)).all()


@given(height=st.integers(12, 400), length=st.integers(12, 60_000), tall=st.booleans())
@settings(deadline=None)
def test_the_windows_of_a_level_answer_like_the_whole_level(
    height: int, length: int, tall: bool
) -> None:
    """Each of P-Net's places exactly once: a face at a border is neither lost nor doubled."""

    def places(pixels: int) -> int:
        """The size after P-Net's layers: a pooling by two, and cells of 12."""
        return (pixels - 2 + 1) // 2 - 4

    shape = (length, height) if tall else (height, length)
    axis = int(shape[0] < shape[1])
    parts = [part[axis] for part in windows(*shape)]
    assert all(
        (part.stop - part.start) * min(shape) <= max(MOST_PIXELS, 24 * 400) for part in parts
    )
    assert all(part.start % STRIDE == 0 for part in parts)
    answered = [
        part.start // STRIDE + place
        for part in parts
        for place in range(max(0, places(part.stop - part.start)))
    ]
    assert answered == list(range(places(max(shape))))
