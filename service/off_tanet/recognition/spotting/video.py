"""Spotting of expressions in a long video, frame by frame, for each tracked face."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from off_tanet.limits import Durations, Thresholds
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.quality import LASTING_SHARE, is_low_frame_rate, lasting_light
from off_tanet.recognition.spotting.scenes import CLIP_WIDE
from off_tanet.recognition.spotting.timeline import Timeline
from off_tanet.recognition.spotting.windows import ExpressionSpotter, SpottedInterval
from off_tanet.types import Face, Moment, Motion

_WARNINGS_KEPT_S = 30.0  # longer ago than the onset of any interval that is not reported yet

HIDING = frozenset({"occluded", "turned_head", "cut", "face_lost"})
"""Warnings during which motion in the crop is no expression."""


@dataclass(frozen=True, slots=True, eq=False)
class SpottedExpression:
    """An interval with the faces of its scene and the warnings that apply to it.

    `face_index` is the place of the face in the results of the tracker.
    """

    interval: SpottedInterval
    faces: tuple[Face, ...]
    warnings: frozenset[str]
    face_index: int = 0


class VideoSpotter:
    """Spots the expressions of the tracked face.

    It keeps crops of 25 s at most, the signals of all frames, and no frame.

    Args:
        durations: The durations of expressions.
        thresholds: The values from which on a warning applies.
        face_index: The place of the face in the results of the tracker.

    Attributes:
        frames: The number of frames so far.
        frames_with_face: The number of frames with a crop.
        seconds: The time of the last frame.
        timeline: What else happens to the face.
    """

    def __init__(self, durations: Durations, thresholds: Thresholds, face_index: int = 0) -> None:
        self._face_index = face_index
        self._spotter = ExpressionSpotter(durations, thresholds)
        self._thresholds = thresholds
        self.timeline = Timeline(thresholds)
        self._scene: int | None = None
        self._faces: tuple[Face, ...] = ()
        self._warnings: deque[tuple[float, frozenset[str]]] = deque()
        self._counts: Counter[str] = Counter()
        self.frames = 0
        self.frames_with_face = 0
        self.seconds = 0.0

    def add(self, frame: TrackedFrame, moment: Moment) -> list[SpottedExpression]:
        """Process the next frame.

        Args:
            frame: The tracked frame.
            moment: Its index and time.

        Returns:
            The expressions that are now certain, in the order of time.
        """
        self.frames, self.seconds = self.frames + 1, moment.time_s
        self.timeline.add(frame, moment)
        if frame.warnings:
            self._warnings.append((moment.time_s, frame.warnings))
            self._counts.update(frame.warnings)
        while self._warnings and self._warnings[0][0] < moment.time_s - _WARNINGS_KEPT_S:
            self._warnings.popleft()
        scene = None if frame.crop is None else frame.scene
        found = [] if scene == self._scene else self.finish()
        if frame.crop is not None:
            self.frames_with_face += 1
            self._scene, self._faces = scene, frame.faces
            found += self._visible(self._spotter.add(frame, moment))
        return found

    @property
    def motion(self) -> Motion | None:
        """The motion of the face over the whole video; None if it was not seen."""
        return self._spotter.activity.motion()

    def latest_motion_px(self) -> float | None:
        """Return how far the face is from its rest now; None if that is not known."""
        return None if self._scene is None else self._spotter.latest_motion_px()

    @property
    def warnings(self) -> frozenset[str]:
        """The warnings of the whole video: those of `CLIP_WIDE`, and those of most frames."""
        most = max(1.0, LASTING_SHARE * self.frames_with_face)
        lasting = {warning for warning, count in self._counts.items() if count >= most}
        lasting |= self._lasting_conditions()
        return frozenset(lasting | (CLIP_WIDE & self._counts.keys()))

    def finish(self) -> list[SpottedExpression]:
        """End the scene, or the video, and return its remaining expressions."""
        found = list(self._visible(self._spotter.finish()))
        self._scene = None
        return found

    def _lasting_conditions(self) -> set[str]:
        """Warnings that follow from the signals of the whole video."""
        signals = self.timeline.signals
        found = set() if signals is None else lasting_light(signals, self._thresholds)
        seconds_with_face = self.seconds * self.frames_with_face / max(1, self.frames)
        if self.timeline.speech.seconds > LASTING_SHARE * seconds_with_face:
            found.add("speech")
        if is_low_frame_rate(self.frames, self.seconds, self._thresholds):
            found.add("low_frame_rate")
        return found

    def _visible(self, intervals: Iterable[SpottedInterval]) -> Iterator[SpottedExpression]:
        """The intervals during which the face was visible."""
        for interval in intervals:
            start_s, end_s = interval.onset.time_s, interval.offset.time_s
            between = (words for at_s, words in self._warnings if start_s <= at_s <= end_s)
            warnings = frozenset[str]().union(*between)
            if self.timeline.speech.during(start_s, end_s):
                warnings |= {"speech"}
            if not warnings & HIDING:
                yield SpottedExpression(interval, self._faces, warnings, self._face_index)


class MultiFaceSpotter:
    """Spots the expressions of several faces, each by a `VideoSpotter` of its own.

    Args:
        durations: The durations of expressions.
        thresholds: The values from which on a warning applies.
        count: The number of faces.

    Attributes:
        frames: The number of frames so far.
        frames_with_face: The number of frames with a crop of any face.
        seconds: The time of the last frame.
    """

    def __init__(self, durations: Durations, thresholds: Thresholds, count: int) -> None:
        self._spotters = [VideoSpotter(durations, thresholds, index) for index in range(count)]
        self.frames = 0
        self.frames_with_face = 0
        self.seconds = 0.0

    def add(self, frames: Sequence[TrackedFrame], moment: Moment) -> list[SpottedExpression]:
        """Process the next frame.

        Args:
            frames: The frame, tracked for each face.
            moment: Its index and time.

        Returns:
            The expressions that are now certain.
        """
        self.frames, self.seconds = self.frames + 1, moment.time_s
        self.frames_with_face += any(frame.crop is not None for frame in frames)
        both = zip(self._spotters, frames, strict=True)
        return [found for spotter, frame in both for found in spotter.add(frame, moment)]

    @property
    def warnings(self) -> frozenset[str]:
        """The warnings of the whole video for any face that was seen."""
        seen = (spotter.warnings for spotter in self._spotters if spotter.frames_with_face)
        return frozenset[str]().union(*seen)

    @property
    def motion(self) -> Motion | None:
        """The motion of the first face."""
        return self._spotters[0].motion

    def latest_motion_px(self) -> float | None:
        """Return how far the first face is from its rest now; None if that is not known."""
        return self._spotters[0].latest_motion_px()

    @property
    def timelines(self) -> list[Timeline]:
        """What else happens to each face that was seen; at least one, the first face's first."""
        first, *others = self._spotters
        return [first.timeline, *(each.timeline for each in others if each.frames_with_face)]

    def finish(self) -> list[SpottedExpression]:
        """End the video and return its remaining expressions."""
        return [found for spotter in self._spotters for found in spotter.finish()]
