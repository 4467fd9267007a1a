"""The detector on crowds, distant and cut-off faces, large pictures; how stable landmarks are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.recognition.face.alignment import align
from off_tanet.recognition.face.detector import ALL_LEVELS, FaceDetector
from off_tanet.recognition.face.mesh import five_points
from off_tanet.recognition.face.tiling import MOST_TILES, levels

from tests.support import factories
from tests.support.face_scenes import (
    EYE_DISTANCE,
    EYES_AND_MOUTH,
    FACE,
    colour,
    pasted,
    places,
    resized,
    turned,
    wall,
)
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(ROOT / "service/off_tanet/assets")


def test_all_sizes_include_the_passer_by(detector: FaceDetector) -> None:
    """A face that is chosen out of many may be a small one next to a large one."""
    face = factories.portrait()[20:220, 125:325]
    canvas = pasted(wall(640, 480), resized(face, 400, 400), 20, 40)
    canvas = pasted(canvas, resized(face, 60, 60), 520, 60)
    large, small = detector.detect(canvas, all_sizes=True)
    assert five_points(large.points)[2, 0] < 420
    expected = (EYES_AND_MOUTH - (125, 20) + 0.5) * 60 / 200 - 0.5 + (520, 60)
    assert np.hypot(*(places(small) - expected).T).max() < 0.08 * EYE_DISTANCE * 60 / 200


@pytest.mark.parametrize("names", [("brick", "grass"), ("coffee", "gravel"), ("text", "coins")])
def test_every_face_of_a_crowd_is_found_once(
    detector: FaceDetector, names: tuple[str, str]
) -> None:
    """Twelve faces of 40 to 150 pixels, tilted by up to 45 degrees, on real textures."""
    canvas = np.hstack([resized(colour(name), 960, 1080) for name in names])
    expected = []
    for number, degrees in enumerate((-45, 12, -5, 30, 0, -20, 45, 8, -12, 20, 0, -30)):
        pixels, points = turned(factories.portrait(), degrees)
        side = 76 + 19 * number  # of the square that is pasted; the face has half of it
        x, y = 40 + 470 * (number % 4), 20 + 350 * (number // 4)
        canvas = pasted(canvas, resized(pixels[20:220, 125:325], side, side), x, y)
        expected.append((points - (125, 20) + 0.5) * side / 200 - 0.5 + (x, y))
    found = detector.detect(canvas, all_sizes=True)
    assert len(found) == len(expected)
    for points in expected:
        nearest = min(found, key=lambda face: float(np.abs(places(face) - points).max()))
        eyes = np.hypot(*(points[1] - points[0]))
        assert np.hypot(*(places(nearest) - points).T).max() < 0.08 * eyes


@pytest.mark.parametrize("across", [40, 60, 90, 130])
def test_a_person_two_metres_from_a_camera_is_found(detector: FaceDetector, across: int) -> None:
    """1080p; the face is `across` pixels wide, the surroundings are cluttered."""
    scene = resized(colour("coffee"), 1920, 1080)
    factor = across / 106
    body = factories.portrait()[:420, :420]
    body = resized(body, round(420 * factor), round(420 * factor))
    (face,) = detector.detect(pasted(scene, body, 900, 300))
    expected = (EYES_AND_MOUTH + 0.5) * factor - 0.5 + (900, 300)
    assert np.hypot(*(places(face) - expected).T).max() < 0.08 * EYE_DISTANCE * factor


@pytest.mark.parametrize(("width", "height"), [(4000, 3000), (8660, 5774)])
@pytest.mark.parametrize("share", [0.04, 0.15, 0.6])
def test_large_photographs_are_searched(
    detector: FaceDetector, width: int, height: int, share: float
) -> None:
    """12 and 50 megapixels; the face has a `share` of the shorter side."""
    side = round(2 * share * height)
    face = resized(factories.portrait()[20:220, 125:325], side, side)
    x, y = (width - side) // 3, (height - side) * 2 // 3
    top, left, shown = max(y, 0), max(x, 0), face[max(-y, 0) :, max(-x, 0) :][:height, :width]
    (found,) = detector.detect(pasted(wall(width, height), shown, left, top))
    expected = (EYES_AND_MOUTH - (125, 20) + 0.5) * side / 200 - 0.5 + (x, y)
    assert np.hypot(*(places(found) - expected).T).max() < 0.08 * EYE_DISTANCE * side / 200


@pytest.mark.parametrize("cut", ["left", "right", "top", "bottom"])
@pytest.mark.parametrize("lost", [0.15, 0.3])
def test_a_face_cut_by_the_edge_is_found(detector: FaceDetector, cut: str, lost: float) -> None:
    """Whatever part is missing, the eyes that remain are placed well enough."""
    rows, columns = FACE
    away = round(lost * 106)
    row, column = {"top": (rows.start + away, 0), "left": (0, columns.start + away)}.get(
        cut, (0, 0)
    )
    last_row = rows.stop - away if cut == "bottom" else 512
    last_column = columns.stop - away if cut == "right" else 512
    (face,) = detector.detect(
        np.ascontiguousarray(factories.portrait()[row:last_row, column:last_column])
    )
    distances = np.hypot(*(places(face) - EYES_AND_MOUTH + np.array([column, row])).T)
    assert distances.max() < 0.25 * EYE_DISTANCE


def test_noise_moves_the_crop_of_a_followed_face_little(detector: FaceDetector) -> None:
    """0.04 px at the crop's centre: less is no head motion."""
    random = np.random.default_rng(1)
    pixels = resized(factories.portrait(), 1024, 1024)
    (face,) = detector.detect(pixels)
    still = align(face)
    centre = cv2.invertAffineTransform(still) @ (55.5, 55.5, 1)
    moved = []
    for _ in range(12):
        noisy = np.clip(pixels + random.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8)
        followed = detector.follow(noisy, face)
        assert followed
        moved.append(align(followed) @ (*centre, 1))
    assert np.std(moved, axis=0).max() < 0.04


def test_landmarks_depend_little_on_the_detection(detector: FaceDetector) -> None:
    """Another run from the landmarks' own region moves the crop's centre by less than 0.3 px."""
    pixels = factories.portrait()
    (face,) = detector.detect(pixels)
    again = detector.follow(pixels, face)
    assert again
    centre = cv2.invertAffineTransform(align(face)) @ (55.5, 55.5, 1)
    assert np.hypot(*(align(again) @ (*centre, 1) - 55.5)) < 0.3


def test_a_face_that_is_gone_is_not_followed(detector: FaceDetector) -> None:
    (face,) = detector.detect(factories.portrait())
    assert detector.follow(wall(512, 512), face) is None


@settings(deadline=None)
@given(width=st.integers(1, 50_000), height=st.integers(1, 50_000))
def test_the_work_is_bounded_and_covers_the_picture(width: int, height: int) -> None:
    """At most four levels of 128 tiles; each level's tiles contain every pixel."""
    found = list(levels(width, height, ALL_LEVELS))
    assert 1 <= len(found) <= ALL_LEVELS
    for level in found:
        assert len(level.tiles) <= MOST_TILES
        side = level.tiles[0].side
        columns, rows = {tile.x for tile in level.tiles}, {tile.y for tile in level.tiles}
        for centres, length in ((sorted(columns), width), (sorted(rows), height)):
            assert centres[0] - side / 2 <= -0.5 + 1e-6
            assert centres[-1] + side / 2 >= length - 0.5 - 1e-6
            assert max(np.diff(centres), default=0) <= 0.75 * side + 1e-6
