"""The timeline of a face: events that end at cuts, and seconds that were not judged."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from off_tanet.limits import Thresholds
from off_tanet.recognition.face.pose import HeadPose
from off_tanet.recognition.face.signals import FaceSignals
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.spotting.timeline import Timeline
from off_tanet.types import Moment

CROP = np.zeros((112, 112), np.uint8)


def seen(*warnings: str, eyes: float = 0.3, mouth: float = 0.0) -> TrackedFrame:
    pose = HeadPose(25.0 if "turned_head" in warnings else 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    signals = FaceSignals(1.0, eyes, eyes, mouth, pose, 5.0, 100.0, 100.0)
    return TrackedFrame(CROP, 0, warnings=frozenset(warnings), signals=signals)


LOST = TrackedFrame(None, 0, warnings=frozenset({"face_lost"}))


def timeline(frames: Iterable[TrackedFrame], rate: float = 30.0) -> Timeline:
    made = Timeline(Thresholds())
    for index, frame in enumerate(frames):
        made.add(frame, Moment(index, index / rate))
    return made


def test_blinks_turns_and_losses_are_events() -> None:
    frames = [seen()] * 30 + [seen(eyes=0.1)] * 4 + [seen()] * 10
    frames += [seen("turned_head")] * 15 + [seen()] * 10 + [LOST] * 6 + [seen()] * 10
    found = timeline(frames).events()
    spans = [(event.kind, event.start.index, event.end.index) for event in found]
    assert spans == [("blink", 30, 33), ("head_turn", 44, 58), ("face_lost", 69, 74)]
    assert [event.strength for event in found] == pytest.approx([2 / 3, 25, 6])
    assert found[0].end.time_s == pytest.approx(33 / 30)


def test_an_event_ends_at_a_cut() -> None:
    """Another person may be seen from there on."""
    turned = seen("turned_head")
    found = timeline([turned] * 10 + [seen("turned_head", "cut")] + [turned] * 9).events()
    assert [(event.start.index, event.end.index) for event in found] == [(0, 9), (11, 19)]


def test_speech_is_an_event_and_a_cause() -> None:
    """Three syllables a second, between two quiet seconds."""
    mouths = [0.0] * 30 + [0.1 * float(np.sin(np.pi * k / 5) ** 2) for k in range(60)] + [0.0] * 30
    made = timeline(seen(mouth=mouth) for mouth in mouths)
    (speech,) = made.events()
    assert speech.kind == "speech"
    assert 28 <= speech.start.index < 40
    assert 80 < speech.end.index <= 92
    assert speech.strength == pytest.approx(0.1, abs=0.01)
    seconds = speech.end.time_s - speech.start.time_s
    assert made.unjudged_s() == {"speech": pytest.approx(seconds, abs=0.1)}


def test_seconds_that_were_not_judged_add_up() -> None:
    """Each frame counts once, by the first of its causes."""
    frames = [seen()] * 20 + [LOST] * 10 + [seen("occluded", "turned_head")] * 5
    assert timeline(frames, 10.0).unjudged_s() == pytest.approx({"face_lost": 1.0, "occluded": 0.5})
