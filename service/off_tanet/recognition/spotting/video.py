"""Spotting of expressions in a long video, frame by frame, for one tracked face."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from off_tanet.limits import Durations
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.spotting.scenes import CLIP_WIDE
from off_tanet.recognition.spotting.windows import ExpressionSpotter, SpottedInterval
from off_tanet.types import Face, Moment

_LASTING_SHARE = 0.5  # of the frames with a face, from which on a warning counts for the video
_WARNINGS_KEPT_S = 30.0  # longer ago than the onset of any interval that is not reported yet

HIDING = frozenset({"occluded", "turned_head", "cut", "face_lost"})
"""Warnings during which motion in the crop is no expression."""


@dataclass(frozen=True, slots=True, eq=False)
class SpottedExpression:
    """An interval with the faces of its scene and the warnings that apply to it."""

    interval: SpottedInterval
    faces: tuple[Face, ...]
    warnings: frozenset[str]


class VideoSpotter:
    """Spots the expressions of the tracked face. It keeps crops of 25 s at most, and no frame.

    Args:
        durations: The durations of expressions.

    Attributes:
        frames: The number of frames so far.
        frames_with_face: The number of frames with a crop.
        seconds: The time of the last frame.
    """

    def __init__(self, durations: Durations) -> None:
        self._spotter = ExpressionSpotter(durations)
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
            found += self._visible(self._spotter.add(frame.crop, moment))
        return found

    @property
    def warnings(self) -> frozenset[str]:
        """The warnings of the whole video: those of `CLIP_WIDE`, and those of most frames."""
        most = max(1.0, _LASTING_SHARE * self.frames_with_face)
        lasting = {warning for warning, count in self._counts.items() if count >= most}
        return frozenset(lasting | (CLIP_WIDE & self._counts.keys()))

    def finish(self) -> list[SpottedExpression]:
        """End the scene, or the video, and return its remaining expressions."""
        found = list(self._visible(self._spotter.finish()))
        self._scene = None
        return found

    def _visible(self, intervals: Iterable[SpottedInterval]) -> Iterator[SpottedExpression]:
        """The intervals during which the face was visible."""
        for interval in intervals:
            start_s, end_s = interval.onset.time_s, interval.offset.time_s
            between = (words for at_s, words in self._warnings if start_s <= at_s <= end_s)
            warnings = frozenset[str]().union(*between)
            if not warnings & HIDING:
                yield SpottedExpression(interval, self._faces, warnings)
