"""When landmarks are placed anew: often enough for blinks, not on each frame of a fast camera."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.trackers import MultiFaceTracker
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.types import Pixels

from tests.support import synthetic_heads


class Counting:
    """The detector, with the number of the frame on which it places landmarks."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self.frame = 0
        self.placed: list[int] = []

    def detect(
        self, frame: Pixels, *, all_sizes: bool = False, coarse: bool = False
    ) -> tuple[FaceLandmarks, ...]:
        self.placed.append(self.frame)
        return self._detector.detect(frame, all_sizes=all_sizes, coarse=coarse)

    def follow(self, picture: Pixels, face: FaceLandmarks) -> FaceLandmarks | None:
        self.placed.append(self.frame)
        return self._detector.follow(picture, face)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(ASSETS)


def shots(images: Sequence[synthetic_heads.Floats], noise: float = 1.0) -> list[Pixels]:
    return [synthetic_heads.shot(image, noise, seed) for seed, image in enumerate(images)]


def filmed(
    detector: FaceDetector, pictures: Sequence[Pixels], fps: float, landmark_rate: float = 34
) -> tuple[list[TrackedFrame], list[int]]:
    """The tracked frames, and the numbers of those on which landmarks were placed."""
    counting = Counting(detector)
    tracker = MultiFaceTracker(counting, landmark_rate=landmark_rate)
    seen: list[TrackedFrame] = []
    for counting.frame, picture in enumerate(pictures):
        seen += tracker.track(picture, counting.frame / fps)
    return seen, counting.placed


def test_landmarks_are_placed_on_each_frame_of_most_cameras(
    detector: FaceDetector,
) -> None:
    """Half of the frames would miss the shortest blinks."""
    still = shots([synthetic_heads.still()] * 15)
    for fps in (24, 25, 30):
        assert filmed(detector, still, fps)[1] == [*range(15)]


def test_a_fast_camera_does_not_cost_more_landmarks(detector: FaceDetector) -> None:
    """At 200 frames a second, five of six landmarks would show nothing new."""
    moving = [synthetic_heads.shifted(synthetic_heads.still(), 0.5 * step, 0) for step in range(30)]
    seen, placed = filmed(detector, shots(moving), 200)
    crops = [frame.crop for frame in seen if frame.crop is not None]
    assert len(crops) == 30
    assert all(not np.array_equal(first, second) for first, second in pairwise(crops))
    assert placed == [*range(0, 30, 6)]
    for first in placed:
        landmarks = [frame.landmarks for frame in seen[first : first + 6]]
        assert all(each is landmarks[0] for each in landmarks)
        signals = [frame.signals for frame in seen[first : first + 6]]
        assert all(each is signals[0] for each in signals)


def test_each_frame_of_a_fast_camera_can_be_measured(detector: FaceDetector) -> None:
    """Who studies blinks at 200 frames a second needs all of them; milliseconds are rounded."""
    still = shots([synthetic_heads.still()] * 10)
    for fps in (100, 120, 200, 240):
        assert filmed(detector, still, fps, landmark_rate=fps)[1] == [*range(10)]


def test_a_cut_is_not_waited_for(detector: FaceDetector) -> None:
    """The landmarks of one person would be those of another, or of none."""
    first = synthetic_heads.shot(synthetic_heads.still())
    other = np.ascontiguousarray(255 - first[::-1])
    seen, placed = filmed(detector, [first, other, first, first], 200)
    assert placed[:3] == [0, 1, 2]
    assert seen[1].crop is None
    assert "cut" in seen[2].warnings
    assert seen[3].crop is not None
    assert "cut" not in seen[3].warnings
    assert seen[3].landmarks is seen[2].landmarks


class Leaving(Counting):
    """A detector that sees a face on the first frame alone."""

    def detect(
        self, frame: Pixels, *, all_sizes: bool = False, coarse: bool = False
    ) -> tuple[FaceLandmarks, ...]:
        return super().detect(frame) if not self.frame else ()

    def follow(self, picture: Pixels, face: FaceLandmarks) -> FaceLandmarks | None:
        self.placed.append(self.frame)
        return None


def test_a_lost_face_is_searched_on_each_frame(detector: FaceDetector) -> None:
    """While it is lost, there are no landmarks that could be kept."""
    leaving = Leaving(detector)
    tracker = MultiFaceTracker(leaving)
    still = synthetic_heads.shot(synthetic_heads.still())
    for leaving.frame in range(9):
        tracker.track(still, leaving.frame / 200)
    assert {*leaving.placed} == {0, 6, 7, 8}


def test_without_times_each_picture_has_landmarks_of_its_own(detector: FaceDetector) -> None:
    """Of two photographs nobody knows how far apart they were taken."""
    counting = Counting(detector)
    tracker = MultiFaceTracker(counting)
    for counting.frame, picture in enumerate(shots([synthetic_heads.still()] * 2)):
        tracker.track(picture)
    assert counting.placed == [0, 1]
