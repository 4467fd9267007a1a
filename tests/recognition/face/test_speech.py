"""Speech is a rhythm of the mouth: expressions, yawns and noise do not have it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.limits import Thresholds
from off_tanet.recognition.face.speech import SpeechDetector

Floats = NDArray[np.float64]
RATES = [15.0, 25.0, 60.0, 200.0]


def listen(mouth: Floats, fps: float) -> SpeechDetector:
    detector = SpeechDetector(Thresholds().speech_opening)
    for index, opening in enumerate(mouth):
        detector.add(index / fps, float(opening))
    return detector


def times(seconds: float, fps: float) -> Floats:
    return np.arange(round(seconds * fps)) / fps


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("syllables", [2, 3, 4.5, 6])
def test_syllables_are_speech_at_any_frame_rate(fps: float, syllables: float) -> None:
    time_s = times(3, fps)
    talking = (time_s >= 1) & (time_s < 2.5)
    mouth = 0.1 + 0.06 * np.sin(2 * np.pi * syllables * (time_s - 1)) * talking
    (span,) = listen(mouth, fps).spans
    assert span == pytest.approx((1, 2.5), abs=0.4)


@pytest.mark.parametrize("fps", RATES)
def test_other_motions_of_the_mouth_are_not_speech(fps: float) -> None:
    time_s = times(6, fps)
    noise = np.random.default_rng(0).normal(0, 0.003, len(time_s))
    smile = 0.2 / (1 + np.exp(-20 * (time_s - 2)))
    surprises = sum(0.2 * np.exp(-(((time_s - at) / 0.12) ** 2)) for at in (1.0, 2.5, 4.0))
    yawn = 0.3 * np.exp(-(((time_s - 3) / 0.8) ** 2))
    slow = 0.1 * np.sin(2 * np.pi * 0.7 * time_s)
    for mouth in (0 * time_s, smile, surprises, yawn, slow):
        assert listen(mouth + noise, fps).spans == []


def test_a_lost_face_ends_a_span() -> None:
    mouth = 0.1 + 0.06 * np.sin(2 * np.pi * 4 * times(4, 60))
    mouth[112:122] = np.nan
    first, second = listen(mouth, 60).spans
    assert first[1] < 112 / 60 < 122 / 60 < second[0]


def test_speech_reaches_half_a_second_beyond_its_last_turn() -> None:
    """The mouth of the last syllable closes after it."""
    time_s = times(4, 60)
    detector = listen(0.06 * np.sin(2 * np.pi * 4 * time_s) * (time_s < 2), 60)
    assert detector.seconds == pytest.approx(1.8, abs=0.2)
    assert detector.during(1.0, 1.2)
    assert detector.during(2.2, 2.4)
    assert not detector.during(3.0, 3.5)
