"""The streaming spotter on synthetic videos: its results, their delay, and its memory."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from off_tanet.limits import Durations
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.motion.features import MotionFeatureExtractor, MotionFeatures
from off_tanet.recognition.motion.head_motion import HeadMotion
from off_tanet.recognition.spotting.windows import ExpressionSpotter, SpottedInterval
from off_tanet.types import Crop, Moment
from off_tanet_export.evaluation.spotting import Interval, SpottingScore, score

from tests.support import face_motion, factories, synthetic_video
from tests.support.synthetic_video import Event, Scene

BROWS = Event(onset_s=1.0, apex_s=1.2, offset_s=1.45, label=2, px=1.5, seed=3)


def sightings(
    scene: Scene, durations: Durations | None = None, first: int = 0
) -> list[SpottedInterval]:
    """All expressions in a scene whose first frame has the index `first`."""
    spotter = ExpressionSpotter(durations or Durations())
    found = []
    for index, (crop, time_s) in enumerate(
        zip(synthetic_video.crops(synthetic_video.film(scene)), scene.times_s, strict=True), first
    ):
        found += spotter.add(TrackedFrame(crop, 0), Moment(index, float(time_s)))
    return found + spotter.finish()


@pytest.mark.parametrize("fps", [30.0, 100.0])
def test_an_expression_is_found_at_any_rate(fps: float) -> None:
    """Onset, apex and offset in frames and seconds of the video."""
    (found,) = sightings(Scene(2.5, fps, (BROWS,), seed=5), first=100)
    assert found.kind == "micro"
    assert found.onset.time_s == pytest.approx(BROWS.onset_s, abs=0.07)
    assert found.apex.time_s == pytest.approx(BROWS.apex_s, abs=0.05)
    assert found.offset.time_s == pytest.approx(BROWS.offset_s, abs=0.1)
    assert found.apex.index == 100 + round(found.apex.time_s * fps)
    assert 0.5 <= found.confidence < 1
    assert found.strength_px > 0.2


@pytest.mark.slow
def test_longer_ones_are_macro_by_limits_that_are_settings() -> None:
    """The same half second is either, depending on the settings."""
    smile = Event(onset_s=1.0, apex_s=1.3, offset_s=2.4, label=1, px=2.0, seed=4, hold_s=0.6)
    scene = Scene(3.5, 30, (smile,), seed=6)
    assert [found.kind for found in sightings(scene)] == ["macro"]
    assert [found.kind for found in sightings(scene, Durations(0.1, 3.0))] == ["micro"]
    assert not sightings(scene, Durations(2.5, 3.0))


def test_a_blink_is_not_an_expression() -> None:
    """It is the largest and quickest motion of a face, 15 times a minute."""
    assert not sightings(Scene(4.0, 30, blinks=(0.8, 1.7, 2.9), seed=7))


def test_a_moving_head_is_not_an_expression() -> None:
    """Up to 3 px, in all directions, with yaw and pitch."""
    assert not sightings(Scene(6.0, 30, head_px=3.0, seed=8))


def test_scenes_are_independent() -> None:
    """After a cut another face is in the crop; `finish` forgets the first."""
    spotter = ExpressionSpotter()
    for part in range(3):
        crop = (
            face_motion.face_crop()
            if part % 2
            else factories.grey(factories.picture(112, 112, part))
        )
        for index in range(30):
            assert not spotter.add(TrackedFrame(crop, 0), Moment(index, part + index / 30))
        assert not spotter.finish()


def test_expressions_come_while_the_video_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of time, each once, while the spotter holds at most 25 s of crops."""
    measured = iter(motion_features())
    monkeypatch.setattr(MotionFeatureExtractor, "extract", lambda *_: next(measured))
    spotter, crops = ExpressionSpotter(), []
    found: list[tuple[float, float, float]] = []
    for index in range(30 * 60):
        crop: Crop = np.zeros((112, 112), np.uint8)
        crops.append(weakref.ref(crop))
        for each in spotter.add(TrackedFrame(crop, 0), Moment(index, index / 30)):
            found.append((index / 30, each.apex.time_s, each.offset.time_s))
    assert [apex_s for _, apex_s, _ in found] == pytest.approx([3, 15, 27, 39], abs=0.05)
    assert all(4 <= at_s - offset_s <= 20 for at_s, _, offset_s in found)
    assert sum(crop() is not None for crop in crops) <= 25 * 30
    assert [found.apex.time_s for found in spotter.finish()] == pytest.approx([51], abs=0.05)


def motion_features() -> Iterator[MotionFeatures]:
    """Of a face that moves for a third of a second every 12 s, at 30 frames a second."""
    rng = np.random.default_rng(0)
    pattern = np.zeros(200)
    pattern[:10] = 0.6
    for index in count():
        since_s = (index / 30) % 12 - 3
        part = max(0.0, np.cos(np.pi * since_s / 0.36)) if abs(since_s) < 0.18 else 0.0
        noise, lids = rng.normal(0, 0.01, 200), float(rng.normal(0, 0.01))
        yield MotionFeatures(part * pattern + noise, lids, HeadMotion(rng.normal(0, 0.01, (2, 4))))


def ends(event: synthetic_video.Event) -> tuple[float, float]:
    return event.onset_s, event.offset_s


@pytest.mark.slow
def test_a_small_benchmark_keeps_its_score() -> None:
    """Forty synthetic seconds of expressions of 1 px and more, blinks and a head that moves as
    much: `make bench-spotting` scores minutes with everything, on other seeds."""
    total = SpottingScore()
    for seed in (40, 42):
        scene = synthetic_video.video_scene(seed, 4, seconds=20.0, head_px=1.0)
        scene = replace(scene, events=tuple(replace(e, px=max(e.px, 1.0)) for e in scene.events))
        true = [
            Interval(
                *(int(np.abs(scene.times_s - s).argmin()) for s in (event.onset_s, event.offset_s))
            )
            for event in scene.events
            if event.offset_s - event.onset_s <= 0.5
        ]
        found = [s for s in sightings(scene) if s.kind == "micro"]
        total += score(true, [Interval(s.onset.index, s.offset.index) for s in found])
    assert total.f1 >= 0.8
