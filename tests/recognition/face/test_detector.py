"""The detector on whole images: where faces are, where none is, and which sizes work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import ModelError
from off_tanet.recognition.face.alignment import align
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.mesh import FaceLandmarks, five_points
from off_tanet.types import Face, Frame, Pixels

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
from tests.support.shared import shared

ASSETS = ROOT / "service/off_tanet/assets"


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(ASSETS)


def answer(face: FaceLandmarks, pixels: Pixels) -> Face:
    """The face as an answer has it: its box is clipped to the picture."""
    height, width = pixels.shape[:2]
    return face.face(width, height)


def test_the_portrait_has_one_face_at_its_place(detector: FaceDetector) -> None:
    """The base of the other tests: within 1.5 pixels of the places read from the portrait."""
    (face,) = detector.detect(factories.portrait())
    assert np.hypot(*(places(face) - EYES_AND_MOUTH).T).max() < 1.5
    assert 0.99 < face.presence <= 1
    left, top, right, bottom = face.box
    assert left < 203 < 246 < right
    assert top < 100 < 140 < bottom


def test_a_frame_is_detected_like_its_pixels(detector: FaceDetector) -> None:
    """Clips contain frames, images are pixels."""
    pixels = factories.portrait()
    (of_frame,), (of_pixels,) = detector.detect(Frame(pixels, index=3)), detector.detect(pixels)
    assert (of_frame.points == of_pixels.points).all()
    assert of_frame.presence == of_pixels.presence


@pytest.mark.parametrize("side", [112, 150, 300, 800, 1600, 4000])
def test_the_size_of_the_image_does_not_matter(detector: FaceDetector, side: int) -> None:
    """Uploads are thumbnails or photographs: landmarks stay within 8% of the eye distance."""
    pixels = factories.portrait()[20:220, 125:325]
    (face,) = detector.detect(resized(pixels, side, side))
    found = (places(face) + 0.5) * 200 / side - 0.5 + (125, 20)
    assert np.hypot(*(found - EYES_AND_MOUTH).T).max() < 0.08 * EYE_DISTANCE


@pytest.mark.parametrize("side", [106, 112, 480, 1500])
def test_a_face_that_fills_the_image_is_found(detector: FaceDetector, side: int) -> None:
    """Many datasets contain tight crops, whose faces reach to the edge."""
    (face,) = detector.detect(resized(factories.portrait()[FACE], side, side))
    found = (places(face) + 0.5) * 106 / side - 0.5 + (FACE[1].start, FACE[0].start)
    assert np.hypot(*(found - EYES_AND_MOUTH).T).max() < 0.08 * EYE_DISTANCE


@pytest.mark.parametrize("degrees", [-90, -60, -45, -30, -20, -10, 10, 20, 30, 45, 60, 90])
def test_a_tilted_head_is_found(detector: FaceDetector, degrees: float) -> None:
    """The landmarks rotate with the head, so that the crop is upright."""
    pixels, expected = turned(factories.portrait(), degrees)
    (face,) = detector.detect(pixels)
    assert np.hypot(*(places(face) - expected).T).max() < 0.08 * EYE_DISTANCE


WORSE: dict[str, Callable[[Pixels], Pixels]] = {
    "dark": lambda pixels: pixels // 4,
    "bright": lambda pixels: np.clip(pixels * 1.6, 0, 255).astype(np.uint8),
    "grey": lambda pixels: np.dstack([factories.grey(pixels)] * 3),
    "blurred": lambda pixels: np.asarray(cv2.GaussianBlur(pixels, (0, 0), 2), np.uint8),
    "noisy": lambda pixels: np.clip(
        pixels + np.random.default_rng(0).normal(0, 15, pixels.shape), 0, 255
    ).astype(np.uint8),
    "compressed": lambda pixels: np.asarray(
        cv2.imdecode(np.frombuffer(factories.jpeg(pixels, 15), np.uint8), cv2.IMREAD_COLOR),
        np.uint8,
    ),
    "mirrored": lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
}


@pytest.mark.parametrize("how", WORSE)
def test_a_poor_image_of_a_face_is_enough(detector: FaceDetector, how: str) -> None:
    """Webcams are dark, noisy and compressed."""
    (face,) = detector.detect(WORSE[how](factories.portrait()))
    expected = EYES_AND_MOUTH
    if how == "mirrored":
        expected = (511, 0) + EYES_AND_MOUTH[[1, 0, 2]] * (-1, 1)
    assert np.hypot(*(places(face) - expected).T).max() < 0.08 * EYE_DISTANCE


def test_several_faces_come_largest_first(detector: FaceDetector) -> None:
    """The service uses the first one and warns of the others."""
    face = factories.portrait()[40:200, 145:305]
    canvas = pasted(wall(800, 400), resized(face, 150, 150), 30, 100)
    canvas = pasted(canvas, resized(face, 320, 320), 250, 40)
    canvas = pasted(canvas, resized(face, 200, 200), 590, 20)
    found = detector.detect(canvas)
    assert len(found) == 3
    areas = [answer(face, canvas).area for face in found]
    assert areas == sorted(areas, reverse=True)
    assert [250 < five_points(face.points)[2, 0] < 570 for face in found] == [True, False, False]


@pytest.mark.parametrize("side", [25, 40, 60])
def test_a_small_face_alone_is_found(detector: FaceDetector, side: int) -> None:
    """A person at the far end of a room: the tight box of the face has `side` of 480 pixels."""
    small = resized(factories.portrait()[20:220, 125:325], 2 * side, 2 * side)
    (face,) = detector.detect(pasted(wall(640, 480), small, 300, 200))
    left, top, right, bottom = face.box
    assert 300 < left < right < 300 + 2 * side
    assert 200 < top < bottom < 200 + 2 * side


def test_a_passer_by_in_the_background_is_not_a_second_face(detector: FaceDetector) -> None:
    """Next to a large face, faces under an eighth of the image are not searched."""
    face = factories.portrait()[20:220, 125:325]
    canvas = pasted(wall(640, 480), resized(face, 400, 400), 20, 40)
    canvas = pasted(canvas, resized(face, 60, 60), 520, 60)
    (found,) = detector.detect(canvas)
    assert five_points(found.points)[2, 0] < 420


def test_a_face_cut_by_the_edge_has_its_box_inside(detector: FaceDetector) -> None:
    """The box is drawn on the image."""
    pixels = np.ascontiguousarray(factories.portrait()[:, 190:])
    (face,) = detector.detect(pixels)
    x, y, width, height = answer(face, pixels).box
    assert x == 0
    assert y >= 0
    assert x + width <= pixels.shape[1]
    assert y + height <= pixels.shape[0]


def faceless() -> Iterator[tuple[str, Pixels]]:
    random = np.random.default_rng(0)
    for grain in (1, 4, 16):
        noise = random.normal(128, 60, (480 // grain, 640 // grain, 3)).astype(np.float32)
        smooth = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)
        yield f"noise {grain}", np.clip(smooth, 0, 255).astype(np.uint8)
    columns, rows = np.meshgrid(np.arange(640), np.arange(480))
    for name, ramp in {
        "gradient": columns * 255 // 639,
        "spot": np.hypot(columns - 320, rows - 240).clip(0, 255),
        "flat": np.full((480, 640), 127),
        "black": np.zeros((480, 640)),
    }.items():
        yield name, np.dstack([ramp] * 3).astype(np.uint8)
    for name in ("brick", "coffee", "coins", "grass", "gravel", "moon", "page", "text", "chelsea"):
        yield name, colour(name)


FACELESS = dict(faceless())


@pytest.mark.parametrize("name", FACELESS)
def test_no_face_is_found_where_there_is_none(detector: FaceDetector, name: str) -> None:
    """Textures, print, fruit, a cat: an answer about them would be worthless."""
    assert detector.detect(FACELESS[name]) == ()


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    seed=st.integers(0, 2**32 - 1),
    grain=st.sampled_from([1, 3, 9]),
)
def test_tiny_and_narrow_images_are_answered(
    detector: FaceDetector, width: int, height: int, seed: int, grain: int
) -> None:
    """Any size that decodes must get an answer, and any box must lie in the image."""
    coarse = np.random.default_rng(seed).integers(
        0, 256, (-(-height // grain), -(-width // grain), 3), np.uint8
    )
    pixels = resized(coarse, width, height)
    for face in detector.detect(pixels):
        x, y, across, down = answer(face, pixels).box
        assert 0 <= x < x + across <= width
        assert 0 <= y < y + down <= height


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 4000), (4000, 1), (40000, 30)])
def test_extreme_shapes_are_answered(detector: FaceDetector, width: int, height: int) -> None:
    """One-pixel tracking images and panoramas: beyond the range of OpenCV's short integers."""
    assert detector.detect(wall(width, height)) == ()


def test_noise_moves_the_landmarks_little(detector: FaceDetector) -> None:
    """Two images of one still face must be placed alike: within 0.5 px at 112 x 112."""
    random = np.random.default_rng(1)
    pixels = factories.portrait()
    where = align(detector.detect(pixels)[0])
    moved = []
    for _ in range(6):
        noisy = np.clip(pixels + random.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8)
        (face,) = detector.detect(noisy)
        moved.append(places(face) @ where[:, :2].T)
    assert np.std(moved, axis=0).max() < 0.5


def test_a_real_clip_has_one_face_throughout(detector: FaceDetector) -> None:
    """A woman who turns, laughs and covers half of her face with a hand; every tenth frame."""
    capture = cv2.VideoCapture(str(shared("clips/portrait_pexels.mp4")))
    frames = [frame for done, frame in iter(capture.read, (False, None)) if done][::10]
    assert len(frames) > 40
    for frame in frames:
        (face,) = detector.detect(np.asarray(frame, np.uint8))
        assert crop(np.asarray(frame, np.uint8), align(face)).std() > 10


def test_missing_networks_are_reported(tmp_path: Path) -> None:
    """A package without its assets fails at the start, with the reason."""
    with pytest.raises(ModelError, match=r"detector_short_range\.onnx"):
        FaceDetector(tmp_path)
    folder = tmp_path / "face"
    folder.mkdir()
    shutil.copy(ASSETS / "face/detector_short_range.onnx", folder)
    with pytest.raises(ModelError, match=r"mesh\.onnx"):
        FaceDetector(tmp_path)
