"""The detector on whole pictures: where faces are, where none is, and at which sizes it works."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from off_tanet.errors import ModelError
from off_tanet.recognition.face.alignment import align
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.tiling import MOST_TILES, levels
from off_tanet.types import Face, Frame, Pixels

from tests.support import factories
from tests.support.paths import ROOT
from tests.support.shared import shared

ASSETS = ROOT / "service/off_tanet/assets"

# Read off the enlarged portrait by eye: both pupils, the middle between the corners of the mouth.
EYES_AND_MOUTH = np.array([(203.0, 100.4), (246.4, 102.9), (223.9, 140.2)])
EYE_DISTANCE = 43.5
FACE = (slice(68, 174), slice(173, 279))  # rows and columns of a tight box around the face


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(ASSETS)


def places(face: FaceLandmarks) -> NDArray[np.float64]:
    """The same three places of a found face."""
    left_eye, right_eye, _, mouth_left, mouth_right = face.five()
    return np.array([left_eye, right_eye, (mouth_left + mouth_right) / 2])


def answer(face: FaceLandmarks, pixels: Pixels) -> Face:
    """The face as an answer has it: its box is clipped to the picture."""
    height, width = pixels.shape[:2]
    return face.face(width, height)


def turned(pixels: Pixels, degrees: float) -> tuple[Pixels, NDArray[np.float64]]:
    """The portrait turned around the face, and the three places on it."""
    turn = cv2.getRotationMatrix2D((224, 120), degrees, 1.0)
    size = pixels.shape[1::-1]
    rotated = cv2.warpAffine(pixels, turn, size, borderMode=cv2.BORDER_REPLICATE)
    expected = EYES_AND_MOUTH @ turn[:, :2].T + turn[:, 2]
    return np.asarray(rotated, np.uint8), np.asarray(expected, np.float64)


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    how = cv2.INTER_AREA if width < pixels.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)


def colour(name: str) -> Pixels:
    """A picture of scikit-image in colour."""
    pixels = np.asarray(getattr(skimage.data, name)())
    return np.ascontiguousarray(np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels[..., ::-1])


def pasted(canvas: Pixels, pixels: Pixels, x: int, y: int) -> Pixels:
    result = canvas.copy()
    result[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
    return result


def wall(width: int, height: int) -> Pixels:
    """A bare wall in even light."""
    return np.full((height, width, 3), 150, np.uint8)


def test_the_portrait_has_one_face_where_a_person_sees_it(detector: FaceDetector) -> None:
    """The measure of everything that follows: within 1.5 pixels of the places read by eye."""
    (face,) = detector.detect(factories.portrait())
    assert np.hypot(*(places(face) - EYES_AND_MOUTH).T).max() < 1.5
    assert 0.99 < face.presence <= 1
    left, top, right, bottom = face.box
    assert left < 203 < 246 < right
    assert top < 100 < 140 < bottom


def test_a_frame_is_as_good_as_its_pixels(detector: FaceDetector) -> None:
    """Clips hold frames, pictures are pixels."""
    pixels = factories.portrait()
    (of_frame,), (of_pixels,) = detector.detect(Frame(pixels, index=3)), detector.detect(pixels)
    assert (of_frame.points == of_pixels.points).all()
    assert of_frame.presence == of_pixels.presence


@pytest.mark.parametrize("side", [112, 150, 300, 800, 1600, 4000])
def test_the_size_of_the_picture_does_not_matter(detector: FaceDetector, side: int) -> None:
    """Uploads are thumbnails and photographs: landmarks stay within 8% of the eyes' distance."""
    pixels = factories.portrait()[20:220, 125:325]
    (face,) = detector.detect(resized(pixels, side, side))
    found = (places(face) + 0.5) * 200 / side - 0.5 + (125, 20)
    assert np.hypot(*(found - EYES_AND_MOUTH).T).max() < 0.08 * EYE_DISTANCE


@pytest.mark.parametrize("side", [106, 112, 480, 1500])
def test_a_face_that_fills_the_picture_is_found(detector: FaceDetector, side: int) -> None:
    """Many data sets hold tight crops, whose faces reach to the edge."""
    (face,) = detector.detect(resized(factories.portrait()[FACE], side, side))
    found = (places(face) + 0.5) * 106 / side - 0.5 + (FACE[1].start, FACE[0].start)
    assert np.hypot(*(found - EYES_AND_MOUTH).T).max() < 0.08 * EYE_DISTANCE


@pytest.mark.parametrize("degrees", [-90, -60, -45, -30, -20, -10, 10, 20, 30, 45, 60, 90])
def test_a_tilted_head_is_found(detector: FaceDetector, degrees: float) -> None:
    """The landmarks turn with the head, so that the crop sets it upright."""
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
def test_a_poor_picture_of_a_face_is_enough(detector: FaceDetector, how: str) -> None:
    """Webcams are dark, noisy and compressed."""
    (face,) = detector.detect(WORSE[how](factories.portrait()))
    expected = EYES_AND_MOUTH
    if how == "mirrored":
        expected = (511, 0) + EYES_AND_MOUTH[[1, 0, 2]] * (-1, 1)
    assert np.hypot(*(places(face) - expected).T).max() < 0.08 * EYE_DISTANCE


def test_several_faces_come_largest_first(detector: FaceDetector) -> None:
    """The service takes the first one and warns of the others."""
    face = factories.portrait()[40:200, 145:305]
    canvas = pasted(wall(800, 400), resized(face, 150, 150), 30, 100)
    canvas = pasted(canvas, resized(face, 320, 320), 250, 40)
    canvas = pasted(canvas, resized(face, 200, 200), 590, 20)
    found = detector.detect(canvas)
    assert len(found) == 3
    areas = [answer(face, canvas).area for face in found]
    assert areas == sorted(areas, reverse=True)
    assert [250 < face.five()[2, 0] < 570 for face in found] == [True, False, False]


@pytest.mark.parametrize("side", [25, 40, 60])
def test_a_small_face_alone_is_found(detector: FaceDetector, side: int) -> None:
    """Somebody at the far end of a room: the tight box of the face has `side` of 480 pixels."""
    small = resized(factories.portrait()[20:220, 125:325], 2 * side, 2 * side)
    (face,) = detector.detect(pasted(wall(640, 480), small, 300, 200))
    left, top, right, bottom = face.box
    assert 300 < left < right < 300 + 2 * side
    assert 200 < top < bottom < 200 + 2 * side


def test_a_passer_by_in_the_background_is_no_second_face(detector: FaceDetector) -> None:
    """A face of less than an eighth of the picture is not looked for beside a large one."""
    face = factories.portrait()[20:220, 125:325]
    canvas = pasted(wall(640, 480), resized(face, 400, 400), 20, 40)
    canvas = pasted(canvas, resized(face, 60, 60), 520, 60)
    (found,) = detector.detect(canvas)
    assert found.five()[2, 0] < 420


def test_all_sizes_include_the_passer_by(detector: FaceDetector) -> None:
    """A face that is chosen out of many may be a small one next to a large one."""
    face = factories.portrait()[20:220, 125:325]
    canvas = pasted(wall(640, 480), resized(face, 400, 400), 20, 40)
    canvas = pasted(canvas, resized(face, 60, 60), 520, 60)
    large, small = detector.detect(canvas, all_sizes=True)
    assert large.five()[2, 0] < 420
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


def test_a_face_cut_by_the_edge_has_its_box_inside(detector: FaceDetector) -> None:
    """Clients draw the box on the picture."""
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
def test_no_face_is_seen_where_there_is_none(detector: FaceDetector, name: str) -> None:
    """Textures, print, fruit, a cat: an answer about them would be worthless."""
    assert detector.detect(FACELESS[name]) == ()


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    seed=st.integers(0, 2**32 - 1),
    grain=st.sampled_from([1, 3, 9]),
)
def test_tiny_and_narrow_pictures_are_answered(
    detector: FaceDetector, width: int, height: int, seed: int, grain: int
) -> None:
    """Any size that decodes must get an answer, and any box must lie on the picture."""
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
    """One-pixel tracking pictures and panoramas: beyond what OpenCV's short integers can count."""
    assert detector.detect(wall(width, height)) == ()


def test_noise_moves_the_landmarks_little(detector: FaceDetector) -> None:
    """Two shots of one still face must be placed alike: 0.5 px at 112 x 112 at the most."""
    random = np.random.default_rng(1)
    pixels = factories.portrait()
    where = align(detector.detect(pixels)[0])
    moved = []
    for _ in range(6):
        noisy = np.clip(pixels + random.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8)
        (face,) = detector.detect(noisy)
        moved.append(places(face) @ where[:, :2].T)
    assert np.std(moved, axis=0).max() < 0.5


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
    found = list(levels(width, height, 4))
    assert 1 <= len(found) <= 4
    for level in found:
        assert len(level.tiles) <= MOST_TILES
        for places, length in (([tile.x for tile in level.tiles], width),
                               ([tile.y for tile in level.tiles], height)):  # fmt: skip
            side = level.tiles[0].side
            centres = sorted(set(places))
            assert centres[0] - side / 2 <= -0.5 + 1e-6
            assert centres[-1] + side / 2 >= length - 0.5 - 1e-6
            assert max(np.diff(centres), default=0) <= 0.75 * side + 1e-6


def test_a_real_clip_has_one_face_throughout(detector: FaceDetector) -> None:
    """A woman who turns, laughs and covers half of her face with a hand; every tenth frame."""
    capture = cv2.VideoCapture(str(shared("clips/portrait_pexels.mp4")))
    frames = [frame for done, frame in iter(capture.read, (False, None)) if done][::10]
    assert len(frames) > 40
    for frame in frames:
        (face,) = detector.detect(np.asarray(frame, np.uint8))
        assert crop(np.asarray(frame, np.uint8), align(face)).std() > 10


def test_missing_networks_are_reported(tmp_path: Path) -> None:
    """A package that was built without its assets fails at the start and names the file."""
    with pytest.raises(ModelError, match=r"detector_short_range\.onnx"):
        FaceDetector(tmp_path)
    folder = tmp_path / "face"
    folder.mkdir()
    shutil.copy(ASSETS / "face/detector_short_range.onnx", folder)
    with pytest.raises(ModelError, match=r"mesh\.onnx"):
        FaceDetector(tmp_path)
