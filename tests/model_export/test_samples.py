"""The samples: known motion of a real face, and the files equal what the script makes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from off_tanet import Recognizer
from off_tanet.limits import MediaLimits
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.face.alignment import align
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.flow import tvl1
from off_tanet.recognition.media.video import open_clip
from off_tanet.types import CLASSES, CROP_SIZE, Pixels
from off_tanet_export.synthesis import sample_video, samples
from off_tanet_export.synthesis.action_units import displacement
from off_tanet_export.synthesis.camera import warp

from tests.support.paths import ROOT

ASSETS = ROOT / "service/off_tanet/assets"
FOLDER = ASSETS / "samples"


def on_disk(name: str) -> Pixels:
    pixels = cv2.imread(str(FOLDER / name))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def clip_on_disk() -> list[Pixels]:
    capture = cv2.VideoCapture(str(FOLDER / "clip.mp4"), cv2.CAP_FFMPEG)
    frames = iter(capture.read, (False, None))
    return [np.asarray(frame, np.uint8) for _, frame in frames]


def recognised(onset: Pixels, apex: Pixels) -> dict[str, float]:
    """The service's pipeline without HTTP."""
    where = align(FaceDetector(ASSETS).detect(onset)[0])
    flow = tvl1(crop(onset, where), crop(apex, where))
    answer = Classifier(ASSETS / "off_tanet.onnx").classify(flow)
    return dict(zip(CLASSES, answer.probabilities.tolist(), strict=True))


def test_there_is_a_sample_of_each_class() -> None:
    """A first trial shows all classes."""
    assert tuple(samples.EXPRESSIONS) == CLASSES
    assert samples.CLIP_CLASS in CLASSES


@pytest.mark.parametrize("label", CLASSES)
def test_each_pair_on_disk_gives_its_class(label: str) -> None:
    """The first answer that a new user sees must be clearly right."""
    answer = recognised(on_disk(f"{label}_onset.jpg"), on_disk(f"{label}_apex.jpg"))
    assert answer[label] > 0.9


def test_the_clip_on_disk_gives_its_class_at_its_apex() -> None:
    """Through a lossy codec, head motion and flickering light."""
    frames = clip_on_disk()
    assert len(frames) == samples.CLIP_FRAMES
    answer = recognised(frames[0], frames[samples.CLIP_APEX])
    assert answer[samples.CLIP_CLASS] > 0.9


def test_the_images_on_disk_are_what_the_script_makes() -> None:
    """Up to the loss of JPEG: nobody has to trust a binary."""
    for label, pair in samples.pairs().items():
        for name, made in zip(("onset", "apex"), pair, strict=True):
            found = on_disk(f"{label}_{name}.jpg")
            assert np.abs(found.astype(int) - made).mean() < 2, (label, name)


def test_the_clip_on_disk_is_what_the_script_makes() -> None:
    """Up to the loss of the codec."""
    for found, made in zip(clip_on_disk(), samples.clip(), strict=True):
        assert np.abs(found.astype(int) - made).mean() < 4


def test_the_video_on_disk_has_each_class_and_its_blinks() -> None:
    """A first look at a long video must show what there is to see."""
    spotting = Recognizer().video((FOLDER / "video.mp4").read_bytes())
    for event, found in zip(sample_video.EVENTS, spotting.expressions, strict=True):
        assert found.prediction.label == event.label
        assert found.apex.time_s == pytest.approx(event.apex_s, abs=0.1)
    blinks = [event.start.time_s for event in spotting.events if event.kind == "blink"]
    assert blinks == pytest.approx(list(sample_video.BLINKS_S), abs=0.1)


def test_the_video_on_disk_is_what_the_script_makes() -> None:
    """Up to the loss of the codec."""
    stream = open_clip((FOLDER / "video.mp4").read_bytes(), MediaLimits())
    for found, made in zip(stream, samples.video(), strict=True):
        assert np.abs(found.pixels.astype(int) - made).mean() < 4


def test_the_samples_are_small() -> None:
    """They are part of the package."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 450_000


def test_a_point_moves_by_the_field() -> None:
    """Backward warping must give the requested forward motion, not an approximation.

    In an image whose brightness is the column (or the row), each pixel shows its origin: from
    there, the field must lead here, within the 0.05 px by which OpenCV's cubic kernel bends a
    straight ramp.
    """
    size = 120
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    picture = np.dstack([columns, rows, columns]).astype(np.float32)
    hill = np.exp(-(((columns - 60) / 15) ** 2) - ((rows - 55) / 15) ** 2)
    forth = np.stack([4 * hill, -3 * hill]).astype(np.float32)
    came = warp(picture, forth)
    there = np.stack(
        [cv2.remap(part, came[..., 0], came[..., 1], cv2.INTER_LINEAR) for part in forth]
    )
    inner = (slice(10, -10), slice(10, -10))
    assert np.abs(came[..., 0] + there[0] - columns)[inner].max() < 0.08
    assert np.abs(came[..., 1] + there[1] - rows)[inner].max() < 0.08
    assert np.abs(came[..., 0] - columns).max() > 3


def test_on_the_crop_the_motion_is_the_field_of_the_units() -> None:
    """The strength is that of the fastest point, in pixels of the crop."""
    units = samples.EXPRESSIONS["surprise"]
    found = samples.motion(units, np.eye(2, 3), CROP_SIZE)
    field = displacement(units, CROP_SIZE)
    assert np.hypot(*found).max() == pytest.approx(samples.STRENGTH_PX, abs=1e-3)
    np.testing.assert_allclose(found, field / np.hypot(*field).max(), atol=1e-3)


def test_the_motion_grows_and_turns_with_the_face() -> None:
    """On an image where the face is twice as large and lies on its side, so does its motion."""
    units = samples.EXPRESSIONS["positive"]
    upright = samples.motion(units, np.eye(2, 3), CROP_SIZE)
    # The crop's x is the image's y; the crop's y is the image's x reversed.
    lying = np.array([[0, 0.5, 0], [-0.5, 0, 111]])
    turned = samples.motion(units, lying, 2 * CROP_SIZE)
    for row, column in ((78, 30), (70, 84), (40, 20)):
        u, v = upright[:, row, column]
        np.testing.assert_allclose(
            turned[:, 2 * column, 2 * (111 - row)], (-2 * v, 2 * u), atol=0.02
        )


def test_the_expression_comes_and_goes() -> None:
    """The clip starts and ends at rest and has one apex."""
    strengths = [samples.strength(index) for index in range(samples.CLIP_FRAMES)]
    assert strengths[0] == pytest.approx(0)
    assert strengths[-1] == pytest.approx(0)
    assert int(np.argmax(strengths)) == samples.CLIP_APEX
    assert strengths[samples.CLIP_APEX] == 1


def test_the_script_writes_what_lies_on_disk(tmp_path: Path) -> None:
    """The same names and, decoded, nearly the same pixels, on any machine."""
    assert samples.main(["--output", str(tmp_path)]) == 0
    names = sorted(path.name for path in FOLDER.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        if name.endswith(".jpg"):
            written = cv2.imread(str(tmp_path / name))
            assert written is not None
            assert np.abs(on_disk(name).astype(int) - written).mean() < 0.5
