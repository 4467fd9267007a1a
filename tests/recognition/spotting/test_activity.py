"""The curve of a long video: it shows what returns, and each moment once."""

from __future__ import annotations

import numpy as np
import pytest
from off_tanet.recognition.spotting.activity import ActivityRecorder, activity

from tests.recognition.spotting.test_intervals import FEATURES, FRAMES, RATE, course, pattern, scene

TIMES_S = np.arange(FRAMES) / RATE
NUISANCES = np.zeros((FRAMES, 9))


def test_an_expression_stands_out_of_the_noise() -> None:
    strength = activity(scene(np.outer(course(300, 12), 3 * pattern())), NUISANCES, RATE)
    assert 300 <= int(strength.argmax()) <= 312
    rest = np.r_[strength[30:240], strength[400:570]]
    assert strength.max() > 4 * rest.max()


def test_a_slow_change_is_no_activity() -> None:
    """Light and posture drift over minutes."""
    slow = np.outer(np.linspace(0, 5, FRAMES), pattern())
    strength = activity(scene(slow, noise=0), NUISANCES, RATE)
    assert strength[60:-60].max() < 0.05


def test_overlapping_windows_give_each_moment_once() -> None:
    """Windows of 10 s that start every 5 s, as those of a long video do."""
    features = scene(np.outer(course(300, 12), 3 * pattern()))
    recorder = ActivityRecorder()
    for start in (0, 150, 300):
        part = slice(start, start + 300)
        until_s = TIMES_S[part][-1] - (0 if start == 300 else 2)
        recorder.add(features[part], NUISANCES[part], TIMES_S[part], RATE, until_s)
    motion = recorder.motion()
    assert motion is not None
    assert np.diff(motion.times_s) == pytest.approx(np.full(len(motion.times_s) - 1, 0.1), abs=0.04)
    assert motion.times_s[-1] == pytest.approx(TIMES_S[-1], abs=0.11)
    assert float(motion.times_s[motion.strength_px.argmax()]) == pytest.approx(10.2, abs=0.2)


def test_without_a_face_there_is_no_curve() -> None:
    empty = np.zeros((0, FEATURES))
    recorder = ActivityRecorder()
    assert recorder.motion() is None
    recorder.add(empty, np.zeros((0, 9)), np.zeros(0), RATE, np.inf)
    assert recorder.motion() is None
