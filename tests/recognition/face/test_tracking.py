"""A face over time: its crop is held or follows, and disturbances are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.trackers import FaceTracker
from off_tanet.recognition.face.tracking import PreCroppedTracker, TrackedFrame
from off_tanet.recognition.flow.light import matched
from off_tanet.recognition.media.video import open_clip
from off_tanet.recognition.motion.head_motion import head_motion
from off_tanet.types import Crop, Pixels

from tests.support import face_motion, synthetic_heads
from tests.support.shared import shared

STILL = synthetic_heads.shot(synthetic_heads.still())


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(ASSETS)


def views(detector: FaceDetector, pictures: Iterable[Pixels]) -> list[TrackedFrame]:
    tracker = FaceTracker(detector)
    return [tracker.track(picture) for picture in pictures]


def filmed(*parts: tuple[synthetic_heads.Floats, int]) -> list[Pixels]:
    """Each image for this many frames, each with its own noise."""
    pictures = [picture for picture, count in parts for _ in range(count)]
    return [synthetic_heads.shot(picture, 2.0, seed) for seed, picture in enumerate(pictures)]


def framed(crop: Crop) -> Pixels:
    """An image around a face crop, three times as large."""
    large = cv2.resize(crop, (336, 336), interpolation=cv2.INTER_CUBIC)
    around = cv2.copyMakeBorder(large, 90, 90, 90, 90, cv2.BORDER_REPLICATE)
    return np.asarray(np.dstack([around] * 3), np.uint8)


def words(seen: Sequence[TrackedFrame]) -> set[str]:
    return set().union(*(view.warnings for view in seen))


def test_a_still_face_is_cropped_by_one_transform(detector: FaceDetector) -> None:
    """The detector's jitter, 0.1 px, would be measured as motion of the face."""
    seen = views(detector, [STILL] * 20)
    assert words(seen) == set()
    assert {view.scene for view in seen} == {0}
    crops = [view.crop for view in seen if view.crop is not None]
    assert len(crops) == 20
    assert all(np.array_equal(crop, crops[0]) for crop in crops)


def test_small_motions_keep_the_transform(detector: FaceDetector) -> None:
    """Small motion is measured between crops, so the crop must not follow it."""
    moved = synthetic_heads.shifted(synthetic_heads.still(), 2, 0)
    first, *_, last = views(detector, filmed((synthetic_heads.still(), 1), (moved, 9)))
    assert first.scene == last.scene
    assert first.where is not None
    assert last.where is not None
    assert np.array_equal(first.where, last.where)
    step = shift_between(first, last)
    assert step == pytest.approx(synthetic_heads.placement()[:, :2] @ (2, 0), abs=0.2)


def shift_between(first: TrackedFrame, last: TrackedFrame) -> NDArray[np.float64]:
    """How far the second crop shows the face beside the first, in pixels (right, down)."""
    assert first.crop is not None
    assert last.crop is not None
    return head_motion(matched(first.crop, last.crop).flow()).matrix[:, 2]


def test_a_face_that_moves_away_is_followed(detector: FaceDetector) -> None:
    """A person who moves is the same person: the crop follows and stays comparable."""
    walk = [
        synthetic_heads.shot(synthetic_heads.shifted(synthetic_heads.still(), 2 * step, 0))
        for step in range(40)
    ]
    seen = views(detector, walk)
    assert {view.scene for view in seen} == {0}
    assert words(seen) == set()
    for view in seen[::8]:
        assert shift_between(seen[0], view) == pytest.approx((0, 0), abs=4)
        assert view.where is not None
    travelled = [view.where[:, 2] for view in (seen[0], seen[-1]) if view.where is not None]
    expected = synthetic_heads.placement()[:, :2] @ (78, 0)
    assert travelled[0] - travelled[1] == pytest.approx(expected, abs=4)


def test_a_cut_begins_a_scene(detector: FaceDetector) -> None:
    mirrored = np.ascontiguousarray(synthetic_heads.still()[:, ::-1])
    seen = views(detector, filmed((synthetic_heads.still(), 5), (mirrored, 5)))
    assert [view.scene for view in seen] == [0] * 5 + [1] * 5
    assert [index for index, view in enumerate(seen) if "cut" in view.warnings] == [5]
    assert all(view.crop is not None for view in seen)


@pytest.mark.parametrize("gain", [0.5, 1.4])
def test_a_lamp_that_is_switched_on_is_not_a_cut(detector: FaceDetector, gain: float) -> None:
    seen = views(
        detector, filmed((synthetic_heads.still(), 4), (synthetic_heads.still() * gain, 4))
    )
    assert words(seen) <= {"blink"}
    assert "cut" not in words(seen)


def test_a_fade_through_black_is_a_cut(detector: FaceDetector) -> None:
    black = np.zeros_like(synthetic_heads.still())
    seen = views(
        detector, filmed((synthetic_heads.still(), 3), (black, 6), (synthetic_heads.still(), 6))
    )
    assert "cut" in seen[3].warnings
    assert [view.crop is None for view in seen] == [False] * 3 + [True] * 6 + [False] * 6
    assert seen[0].scene < seen[-1].scene


def test_a_face_that_appears_late_is_found(detector: FaceDetector) -> None:
    """A recording may begin without anybody in it."""
    seen = views(detector, filmed((synthetic_heads.other_scene(), 7), (synthetic_heads.still(), 4)))
    assert [view.crop is None for view in seen] == [True] * 7 + [False] * 4
    assert all("face_lost" in view.warnings for view in seen[:7])


def test_a_changed_size_begins_a_scene(detector: FaceDetector) -> None:
    smaller = np.asarray(cv2.resize(STILL, (340, 300), interpolation=cv2.INTER_AREA), np.uint8)
    seen = views(detector, [STILL] * 3 + [smaller] * 3)
    assert [view.scene for view in seen] == [0] * 3 + [1] * 3
    assert all(view.crop is not None for view in seen)


@pytest.mark.parametrize(
    ("yaw", "pitch", "expected"),
    [(10, 0, False), (-15, 0, False), (0, 12, False), (35, 0, True), (-35, 0, True)],
)
def test_a_turned_head_is_reported(
    detector: FaceDetector, yaw: float, pitch: float, expected: bool
) -> None:
    """The flow of a cheek seen from the side is shortened, and half of the face is missing."""
    seen = views(detector, filmed((synthetic_heads.turned(yaw, pitch), 4)))
    assert ("turned_head" in words(seen)) == expected


@pytest.mark.parametrize(
    "place", [(0.5, 0.75, 0.2), (0.5, 0.75, 0.3), (0.3, 0.5, 0.25), (0.8, 0.6, 0.3)]
)
def test_a_hand_over_the_face_is_reported(
    detector: FaceDetector, place: tuple[float, float, float]
) -> None:
    hidden = synthetic_heads.covered(synthetic_heads.still(), *place)
    seen = views(
        detector, filmed((synthetic_heads.still(), 6), (hidden, 9), (synthetic_heads.still(), 9))
    )
    assert words(seen[:6]) == set()
    assert {"occluded", "face_lost"} & words(seen[6:15])
    assert "cut" not in words(seen)
    assert "occluded" not in seen[-1].warnings


@pytest.mark.parametrize("expression", [face_motion.smile, face_motion.raised_brows])
def test_an_expression_is_not_a_disturbance(
    detector: FaceDetector, expression: face_motion.Expression
) -> None:
    """Expressions must not be reported as occlusions."""
    crops = [
        face_motion.face_crop(expression(px), 2.0, seed) for seed, px in enumerate([0, 1, 2, 3] * 3)
    ]
    seen = views(detector, (framed(crop) for crop in crops))
    assert words(seen) == set()


def test_a_blink_is_reported_while_it_lasts(detector: FaceDetector) -> None:
    seen = views(
        detector,
        filmed(
            (synthetic_heads.still(), 6),
            (synthetic_heads.closed_eyes(), 3),
            (synthetic_heads.still(), 4),
        ),
    )
    assert [("blink" in view.warnings) for view in seen] == [False] * 6 + [True] * 3 + [False] * 4
    assert words(seen) == {"blink"}


def test_a_hand_in_a_real_clip_is_reported(detector: FaceDetector) -> None:
    """She cries behind her hand, looks up, and laughs with open eyes and no hand at the end."""
    clip = open_clip(shared("clips/portrait_pexels.mp4").read_bytes(), MediaLimits())
    seen = views(detector, (frame.pixels for frame in clip))
    assert all(view.crop is not None for view in seen)
    assert "cut" not in words(seen)
    hidden, shown = seen[90:180], seen[330:430]
    assert sum("occluded" in view.warnings for view in hidden) > 0.7 * len(hidden)
    assert sum("occluded" in view.warnings for view in shown) < 0.2 * len(shown)
    assert len({view.scene for view in seen}) < 15


class Scripted:
    """A detector that finds the face on some frames only, and counts its searches."""

    FACE = FaceDetector(ASSETS).detect(STILL)[0]

    def __init__(self, shown: list[bool]) -> None:
        self._shown = iter(shown)
        self.searches = self.thorough = 0

    def detect(
        self, frame: Pixels, *, all_sizes: bool = False, coarse: bool = False
    ) -> tuple[FaceLandmarks, ...]:
        self.searches += 1
        self.thorough += not coarse
        return (self.FACE,) if next(self._shown) else ()

    def follow(self, picture: Pixels, face: FaceLandmarks) -> FaceLandmarks | None:
        return face if next(self._shown) else None


def test_searches_are_rare_without_a_face() -> None:
    """A search costs as much as everything else for several frames."""
    script = Scripted([False] * 20)
    tracker = FaceTracker(script)
    for _ in range(20):
        assert tracker.track(STILL).crop is None
    assert script.searches == 4


def test_searches_for_small_faces_are_rarer() -> None:
    """Those took as long as a minute of video plays, in a minute of an empty room."""
    script = Scripted([False] * 150)
    tracker = FaceTracker(script)
    for _ in range(150):
        tracker.track(STILL)
    assert (script.searches, script.thorough) == (30, 7)  # 0, 1, 2, then each sixth


def test_a_small_face_that_appears_late_is_found(detector: FaceDetector) -> None:
    """Only thorough searches find it: within a second of a film."""
    small = np.pad(STILL, ((900, 900), (900, 900), (0, 0)))
    tracker = FaceTracker(detector)
    empty = np.zeros_like(small)
    assert all(tracker.track(empty).crop is None for _ in range(20))
    assert [tracker.track(small).crop is not None for _ in range(31)].count(True) >= 1


def test_a_lost_face_is_searched_at_once() -> None:
    """Where it is found again nearby, it is the same face, and nothing was lost."""
    script = Scripted([True, True, False, True, True])
    tracker = FaceTracker(script)
    seen = [tracker.track(STILL) for _ in range(4)]
    assert script.searches == 2
    assert [view.scene for view in seen] == [0] * 4
    assert words(seen) == set()


def test_a_face_that_stays_away_begins_a_scene() -> None:
    """Who comes back after a while may be somebody else."""
    script = Scripted([True, *[False] * 8, True])
    tracker = FaceTracker(script)
    seen = [tracker.track(STILL) for _ in range(10)]
    assert [view.crop is None for view in seen] == [False] + [True] * 8 + [False]
    assert all("face_lost" in view.warnings for view in seen[1:9])
    assert seen[-1].scene == 1


def test_tight_crops_are_one_scene() -> None:
    tracker = PreCroppedTracker()
    crops = [face_motion.face_crop()] * 2
    seen = [tracker.track(np.dstack([crop] * 3)) for crop in crops]
    assert [view.scene for view in seen] == [0, 0]
    for view, crop in zip(seen, crops, strict=True):
        assert view.crop is not None
        assert np.abs(view.crop.astype(int) - crop).max() <= 1
