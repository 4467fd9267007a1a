"""Whether two frames show one person: the landmarks of one are laid on those of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
import pytest
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.trackers import FaceTracker
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.same_person import differs, reshaped
from off_tanet_export.synthesis import face_generator

from tests.support import face_motion, synthetic_heads

STILL = synthetic_heads.still()


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(ASSETS)


def seen(detector: FaceDetector, picture: synthetic_heads.Floats, seed: int = 0) -> TrackedFrame:
    return FaceTracker(detector).track(synthetic_heads.shot(picture, 1.0, seed))


def drawn(seed: int) -> synthetic_heads.Floats:
    face = face_generator.draw(np.random.default_rng(seed), 300)
    canvas = np.full(STILL.shape, 120, np.float32)
    canvas[80:380, 100:400] = face[..., None]
    return canvas


CHANGED: Mapping[str, Callable[[], synthetic_heads.Floats]] = {
    "a smile": lambda: synthetic_heads.opened_mouth(0.2),
    "closed eyes": synthetic_heads.closed_eyes,
    "a turn": lambda: synthetic_heads.turned(yaw=20),
    "a nod": lambda: synthetic_heads.turned(pitch=15),
    "half the light": lambda: 0.5 * STILL,
    "another place": lambda: synthetic_heads.shifted(STILL, 30, 20),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_person_is_the_same_after(detector: FaceDetector, name: str) -> None:
    frames = seen(detector, STILL), seen(detector, CHANGED[name](), 1)
    assert not differs(*frames)
    assert not differs(*frames[::-1])


def test_people_differ(detector: FaceDetector) -> None:
    """Most of them: of photographs three of four, and drawn faces are more like each other."""
    people = [seen(detector, picture) for picture in (STILL, *map(drawn, range(6)))]
    found = [differs(*two) for two in combinations(people, 2)]
    assert np.mean(found) > 0.5
    assert not any(differs(person, person) for person in people)


def test_crops_without_landmarks_are_compared_as_they_are() -> None:
    face = TrackedFrame(face_motion.face_crop(), 0)
    noise = np.random.default_rng(0).integers(0, 255, (112, 112)).astype(np.uint8)
    assert not differs(face, face)
    assert differs(face, TrackedFrame(noise, 0))
    with pytest.raises(ValueError, match="no face"):
        differs(face, TrackedFrame(None, 0))


def test_a_crop_is_warped_to_other_landmarks() -> None:
    """A shift of the landmarks by (3, -2) shifts the picture by the same."""
    crop = face_motion.face_crop()
    landmarks = np.random.default_rng(1).uniform(5, 105, (468, 3))
    moved = reshaped(crop, landmarks, landmarks + np.array([3.0, -2.0, 0.0]))
    inside = slice(10, 100)
    expected = np.roll(crop, (-2, 3), (0, 1))[inside, inside].astype(int)
    assert np.abs(moved[inside, inside] - expected).max() <= 1
