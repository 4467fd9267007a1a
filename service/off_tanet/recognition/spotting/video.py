"""A long video, frame by frame: whose face it is, what disturbs it, and what it expresses."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from off_tanet.limits import Durations
from off_tanet.recognition.face.tracking import Tracker
from off_tanet.recognition.spotting.scenes import OF_THE_CLIP
from off_tanet.recognition.spotting.windows import ExpressionSpotter, SpottedInterval
from off_tanet.types import Face, Frame, Moment

_MOSTLY = 0.5  # of the frames with a face, from which on a word is told of the whole video
_REMEMBERED_S = 30.0  # longer than anything that is still to be told can lie back

HIDES = frozenset({"occluded", "turned_head", "cut", "face_lost"})
"""What moves in a crop meanwhile is no expression."""


@dataclass(frozen=True, slots=True, eq=False)
class SpottedExpression:
    """A sighting, the faces of its scene, and the contract's words for what disturbed it."""

    sighting: SpottedInterval
    faces: tuple[Face, ...]
    words: frozenset[str]


class VideoSpotter:
    """Follows one face through a video and tells of its expressions. Holds no frame."""

    def __init__(self, track: Tracker, durations: Durations) -> None:
        self._track = track
        self._spotter = ExpressionSpotter(durations)
        self._scene: int | None = None
        self._faces: tuple[Face, ...] = ()
        self._disturbed: deque[tuple[float, frozenset[str]]] = deque()
        self._counts: Counter[str] = Counter()
        self.frames = 0
        self.frames_with_face = 0
        self.seconds = 0.0

    def see(self, frame: Frame) -> list[SpottedExpression]:
        """Take the next frame in; what is now sure comes out, in the order of time."""
        view = self._track.view(frame.pixels)
        self.frames, self.seconds = self.frames + 1, frame.time_s
        if view.seen:
            self._disturbed.append((frame.time_s, view.seen))
            self._counts.update(view.seen)
        while self._disturbed and self._disturbed[0][0] < frame.time_s - _REMEMBERED_S:
            self._disturbed.popleft()
        scene = None if view.crop is None else view.scene
        found = [] if scene == self._scene else self.finish()
        if view.crop is not None:
            self.frames_with_face += 1
            self._scene, self._faces = scene, view.faces
            moment = Moment(frame.index, frame.time_s)
            found += self._shown(self._spotter.feed(view.crop, moment))
        return found

    @property
    def seen(self) -> frozenset[str]:
        """What is worth telling of the video: wherever it was, or what lasts most of it."""
        most = max(1.0, _MOSTLY * self.frames_with_face)
        lasting = {word for word, count in self._counts.items() if count >= most}
        return frozenset(lasting | (OF_THE_CLIP & self._counts.keys()))

    def finish(self) -> list[SpottedExpression]:
        """The rest of a scene's expressions, at its end or the video's."""
        found = list(self._shown(self._spotter.finish()))
        self._scene = None
        return found

    def _shown(self, sightings: Iterable[SpottedInterval]) -> Iterator[SpottedExpression]:
        """Sightings during which the face was to be seen."""
        for sighting in sightings:
            start_s, end_s = sighting.onset.time_s, sighting.offset.time_s
            between = (words for at_s, words in self._disturbed if start_s <= at_s <= end_s)
            words = frozenset[str]().union(*between)
            if not words & HIDES:
                yield SpottedExpression(sighting, self._faces, words)
