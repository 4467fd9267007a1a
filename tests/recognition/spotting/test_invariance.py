"""The same clip at any rate, size, length and codec gives the same answer.

A brow raise was found from 30 to 500 frames a second and lost above, and in video on a face of 89
pixels but explained away as head motion on larger ones: `make bench-rates` prints the wide table.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.alignment import align
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import CROP_SIZE, Prediction

from tests.support import encoders, factories, moving_portrait
from tests.support.moving_portrait import Take

pytestmark = pytest.mark.slow

CLIP = Take(50, noise=2.0, face_px=60)
STRENGTH = 1.13  # of the motion that `VIDEO` renders, in 112ths of the face's width
VIDEO = Take(25, 4.0, (1.0, 2.6), rise_s=0.2, fall_s=0.24, face_px=60)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


def encoded(take: Take) -> bytes:
    options = {"crf": "16", "preset": "veryfast"}
    return encoders.film(list(moving_portrait.film(take)), fps=round(take.fps), options=options)


def check(found: Prediction, take: Take) -> None:
    """Check that a raised brow is surprise, its apex within 15 ms or the frame's length."""
    (apex_s,) = take.apexes_s
    assert found.label == "surprise"
    assert found.apex.time_s == pytest.approx(apex_s, abs=max(0.021, 1 / take.fps))
    assert found.onset.time_s == pytest.approx(apex_s - take.rise_s, abs=max(0.04, 1 / take.fps))
    assert ("low_frame_rate" in found.quality.warnings) == (take.fps < 50)
    assert not set(found.quality.warnings) - {"small_face", "low_frame_rate"}


@pytest.mark.parametrize("fps", [24, 30, 50, 100, 200, 400, 1000])
def test_a_clip_of_any_rate(recognizer: Recognizer, fps: int) -> None:
    """Ten times the frames are not ten times the evidence that lids move brows."""
    take = replace(CLIP, fps=fps)
    check(recognizer.clip(encoded(take)), take)


@pytest.mark.parametrize("px", [60, 120, 240, 400])
def test_a_face_of_any_size(recognizer: Recognizer, px: int) -> None:
    take = replace(CLIP, seconds=0.4, face_px=px)
    check(recognizer.clip(encoded(take)), take)


@pytest.mark.parametrize(
    ("fps", "seconds", "apex_s"), [(50, 0.4, 0.2), (200, 2.4, 1.0), (100, 9.6, 4.0)]
)
def test_a_clip_of_any_length(
    recognizer: Recognizer, fps: int, seconds: float, apex_s: float
) -> None:
    """Drift accumulates over a long clip; the expression in it is as short as ever."""
    take = replace(CLIP, fps=fps, seconds=seconds, apexes_s=(apex_s,))
    check(recognizer.clip(encoded(take)), take)


@pytest.mark.parametrize("write", [factories.mp4, factories.avi, factories.webm, factories.mkv])
def test_a_clip_of_any_codec(recognizer: Recognizer, write: factories.ClipWriter) -> None:
    """Codecs repeat what hardly moves, so that a clip may have no noise at all."""
    take = replace(CLIP, face_px=100)
    check(recognizer.clip(write(list(moving_portrait.film(take)), take.fps)), take)


@pytest.mark.parametrize(
    ("fps", "px"), [(24, 60), (50, 60), (100, 60), (25, 90), (25, 120), (25, 240)]
)
def test_a_video_of_any_rate_and_size(recognizer: Recognizer, fps: int, px: int) -> None:
    """Both raises and nothing else, as surprise: neither do the lids, which brows pull up, explain
    them, nor is the rest between them an expression."""
    take = replace(VIDEO, fps=fps, face_px=px)
    found = recognizer.video(encoded(take)).expressions
    assert [each.prediction.label for each in found if each.prediction] == ["surprise"] * 2
    for each, apex_s in zip(found, take.apexes_s, strict=True):
        assert each.kind == "micro"
        assert each.apex.time_s == pytest.approx(apex_s, abs=0.045)
        assert each.strength_px == pytest.approx(STRENGTH * crop_scale(take), rel=0.25)


def crop_scale(take: Take) -> float:
    """Crop pixels for one 112th of the face's width: strengths are measured in crop pixels."""
    frame = next(iter(moving_portrait.film(take)))
    where = align(FaceDetector(ASSETS).detect(frame)[0])
    return float(np.sqrt(np.linalg.det(where[:, :2]))) * take.face_px / CROP_SIZE
