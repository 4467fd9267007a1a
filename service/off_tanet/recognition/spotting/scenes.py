"""The tracked frames of a whole clip, and the runs of frames that can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from off_tanet.errors import FrameIndexError, FrameOrderError, NoFaceError, TooFewFramesError
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.types import Crop, Moment

CLIP_WIDE = frozenset({"cut", "face_lost"})
"""Warnings that count anywhere in a clip; all others count only between onset and apex."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackedClip:
    """The tracked frames of a clip.

    Attributes:
        frames: T tracked frames.
        times_s: The time of each frame, float32 [T], in seconds.
        damaged: Whether a part of the clip could not be decoded.
    """

    frames: Sequence[TrackedFrame]
    times_s: NDArray[np.float32]
    damaged: bool = False

    def search_range(self, onset: int | None, apex: int | None) -> range:
        """Select the frames to search, which show one face in one scene.

        Args:
            onset: The onset frame, which becomes the first of the range. Without one, the range
                begins with the run of frames of the apex or, without that too, with the longest.
            apex: The apex frame.

        Returns:
            Indices of frames that all have a crop.

        Raises:
            FrameIndexError: If an index is outside the clip.
            FrameOrderError: If the onset is not before the apex.
            NoFaceError: If a given frame or the whole clip shows no face.
            TooFewFramesError: If no frame of the scene follows the onset.
        """
        self._check(onset, apex)
        runs = list(self._runs())
        if not runs:
            raise NoFaceError("No face was found in the clip.")
        given = apex if onset is None else onset
        run = max(runs, key=len) if given is None else next(run for run in runs if given in run)
        searched = run if onset is None else range(onset, run.stop)
        if apex is not None and searched.start >= apex:
            raise FrameOrderError(f"The onset, frame {searched.start}, is not before frame {apex}.")
        if len(searched) < 2:
            raise TooFewFramesError("The face is seen on a single frame; a motion needs two.")
        return searched

    def crops(self, indices: range) -> list[Crop]:
        """Return the crops of frames that all have one."""
        frames = self.frames[indices.start : indices.stop]
        return [frame.crop for frame in frames if frame.crop is not None]

    def warnings(self, onset: int, apex: int) -> frozenset[str]:
        """Return the warnings from onset to apex, and those that count anywhere in the clip."""
        anywhere = frozenset[str]().union(*(frame.warnings for frame in self.frames))
        between = self.frames[onset : apex + 1]
        damage = {"damaged_video"} if self.damaged else set()
        return (anywhere & CLIP_WIDE).union(damage, *(frame.warnings for frame in between))

    def crop(self, index: int) -> Crop:
        """Return the crop of a frame that has one."""
        (crop,) = self.crops(range(index, index + 1))
        return crop

    def moment(self, index: int) -> Moment:
        """Return the index and time of a frame."""
        return Moment(index, float(self.times_s[index]))

    def _runs(self) -> Iterator[range]:
        """Runs of successive frames of one scene that all have a crop."""
        start = 0
        kinds = ((frame.scene, frame.crop is not None) for frame in self.frames)
        for (_, has_crop), group in groupby(kinds):
            stop = start + sum(1 for _ in group)
            if has_crop:
                yield range(start, stop)
            start = stop

    def _check(self, onset: int | None, apex: int | None) -> None:
        count = len(self.frames)
        for name, index in (("onset_index", onset), ("apex_index", apex)):
            if index is None:
                continue
            if not 0 <= index < count:
                raise FrameIndexError(f"{name} is {index}; the clip has frames 0 to {count - 1}.")
            if self.frames[index].crop is None:
                raise NoFaceError(f"No face was found on frame {index}.")
        last = count - 1 if apex is None else apex
        if onset is not None and onset >= last:
            raise FrameOrderError(f"The onset, frame {onset}, is not before frame {last}.")
