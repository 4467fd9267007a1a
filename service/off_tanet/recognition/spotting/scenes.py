"""What was seen of a whole clip: its views, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from off_tanet.errors import FrameIndexError, FrameOrderError, NoFaceError, TooFewFramesError
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.types import Crop, Moment

OF_THE_CLIP = frozenset({"cut", "face_lost"})
"""What is worth telling wherever in a clip it was seen; the rest only between onset and apex."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackedClip:
    """Each frame's view and its time in seconds; `damaged` says that some could not be decoded."""

    views: Sequence[TrackedFrame]
    times_s: NDArray[np.float32]
    damaged: bool = False

    def shot(self, onset: int | None, apex: int | None) -> range:
        """The frames to search: those from the onset on that show one face in one scene.

        Without an onset they begin where the face is first seen: in the apex's scene or, where
        that is not given either, in the one that lasts longest. Raises FrameIndexError,
        FrameOrderError, NoFaceError where a given frame or the whole clip shows none, and
        TooFewFramesError where nothing follows the onset.
        """
        self._check(onset, apex)
        runs = list(self._runs())
        if not runs:
            raise NoFaceError("No face was found in the clip.")
        given = apex if onset is None else onset
        run = max(runs, key=len) if given is None else next(run for run in runs if given in run)
        shot = run if onset is None else range(onset, run.stop)
        if apex is not None and shot.start >= apex:
            raise FrameOrderError(f"The onset, frame {shot.start}, is not before frame {apex}.")
        if len(shot) < 2:
            raise TooFewFramesError("The face is seen on a single frame; a motion needs two.")
        return shot

    def crops(self, frames: range) -> list[Crop]:
        """The crops of frames that all have one."""
        views = self.views[frames.start : frames.stop]
        return [view.crop for view in views if view.crop is not None]

    def seen(self, onset: int, apex: int) -> frozenset[str]:
        """The warnings' words for what was seen from onset to apex, or matters wherever it was."""
        everywhere = frozenset[str]().union(*(view.seen for view in self.views))
        between = frozenset[str]().union(*(view.seen for view in self.views[onset : apex + 1]))
        damage = {"damaged_video"} if self.damaged else set()
        return (everywhere & OF_THE_CLIP) | between | damage

    def crop(self, index: int) -> Crop:
        """The crop of a frame that has one."""
        (crop,) = self.crops(range(index, index + 1))
        return crop

    def moment(self, index: int) -> Moment:
        return Moment(index, float(self.times_s[index]))

    def _runs(self) -> Iterator[range]:
        """Runs of frames of one scene that all show the face."""
        start = 0
        kinds = ((view.scene, view.crop is not None) for view in self.views)
        for (_, shown), group in groupby(kinds):
            stop = start + sum(1 for _ in group)
            if shown:
                yield range(start, stop)
            start = stop

    def _check(self, onset: int | None, apex: int | None) -> None:
        count = len(self.views)
        for name, index in (("onset_index", onset), ("apex_index", apex)):
            if index is None:
                continue
            if not 0 <= index < count:
                raise FrameIndexError(f"{name} is {index}; the clip has frames 0 to {count - 1}.")
            if self.views[index].crop is None:
                raise NoFaceError(f"No face was found on frame {index}.")
        last = count - 1 if apex is None else apex
        if onset is not None and onset >= last:
            raise FrameOrderError(f"The onset, frame {onset}, is not before frame {last}.")
