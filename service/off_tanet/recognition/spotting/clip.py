"""Spotting of onset and apex in a clip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress, repeat

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.motion.features import (
    MotionFeatureExtractor,
    MotionFeatures,
    cut_elsewhere,
)
from off_tanet.recognition.motion.head_motion import HeadMotion
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.recognition.spotting.curves import edge
from off_tanet.recognition.spotting.cuts import is_cut
from off_tanet.recognition.spotting.eyes import blinking, widened
from off_tanet.recognition.spotting.motion_curve import motion_curve
from off_tanet.types import Crop, Progress, Similarity

Curve = NDArray[np.float32]
"""Expression strength of each frame, [T], in pixels at 112 x 112."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_READ_PX = 1.5
_MOST_OTHERS = 3
_LEAST_OF_STRONGEST = 0.3  # a candidate that rises by less of the strongest rise is not given


@dataclass(frozen=True, slots=True)
class Candidate:
    """The rise of an expression, as indices of frames.

    Attributes:
        onset: Where it starts.
        apex: Where it is strongest.
        read: Whose motion since the onset is classified: the first frame at which the face has
            moved by 1.5 px, or the apex of an expression that never does. Flow is less accurate
            where motion is larger, and the head moves with a strong expression.
    """

    onset: int
    apex: int
    read: int

    def after(self, frames: int) -> Candidate:
        """Return the candidate in a clip that begins some frames earlier."""
        return Candidate(self.onset + frames, self.apex + frames, self.read + frames)


@dataclass(frozen=True, slots=True, eq=False)
class Spotting:
    """Onset and apex of a clip.

    Attributes:
        best: The strongest expression.
        others: Other expressions, the strongest first.
        strength_px: Strength of the expression at each frame against the first one, or against the
            onset if it was given, float32 [T], in pixels at 112 x 112.
        weak: Whether no peak exceeds what noise and head motion cause. The apex is then the middle
            of the frames after the onset.
    """

    best: Candidate
    others: tuple[Candidate, ...]
    strength_px: Curve
    weak: bool


def spot(
    crops: Sequence[Crop],
    times_s: Sequence[float] | NDArray[np.floating],
    onset: int | None = None,
    apex: int | None = None,
    progress: Progress | None = None,
    shape: HeadShape | None = None,
    eyes: Floats | None = None,
    where: Sequence[Similarity | None] = (),
) -> Spotting:
    """Find onset and apex of the strongest expression, and of others.

    Motion features against the first frame or the onset are projected on the pattern of motion that
    explains most of the change at the pace of expressions: motions of brows, mouth and lids that
    occur together add up, and noise averages out. The apex is the peak, the onset the rise's start.
    Frames of blinks are neither.

    Args:
        crops: T face crops [112, 112] of one scene.
        times_s: The time of each crop, [T], in seconds.
        onset: The index of the onset, if known.
        apex: The index of the apex, if known.
        progress: Called after each frame in the stage `spotting`.
        shape: The shape of the head; by default that of the average face.
        eyes: The opening of the eyes on each crop, [T], as a share of the usual one; NaN where it
            is not known.
        where: The transform [2, 3] of each crop from its frame, [T]; by default they are all alike.

    Returns:
        Onset, apex, other candidates and the motion curve.

    Raises:
        ValueError: If no frame follows the onset.
    """
    first = onset or 0
    last = len(crops) - 1 if apex is None else apex
    if not 0 <= first < last < len(crops):
        raise ValueError(f"no frame follows frame {first} up to {last} of {len(crops)}")
    moments_s = np.asarray(times_s[first:], np.float64)
    opening = np.full(len(moments_s), np.nan) if eyes is None else eyes[first:]
    motion = _extract_features(crops[first:], where[first:], progress, shape)
    curve, least_rise = motion_curve(motion, moments_s, widened(opening, moments_s))
    search = _Search(
        curve[: last - first + 1], blinking(opening, moments_s), least_rise, onset is not None
    )
    strength = np.concatenate([np.zeros(first), np.abs(curve)]).astype(np.float32)
    best, others, weak = search.run(None if apex is None else apex - first)
    return Spotting(
        best.after(first), tuple(other.after(first) for other in others), strength, weak
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """The search for expressions in a motion curve.

    Attributes:
        curve: The motion at each frame, [T], in pixels.
        blinks: Whether each frame belongs to a blink, [T] or longer.
        least_rise: The least rise that counts, in pixels.
        from_first: Whether every expression starts at the first frame.
    """

    curve: Floats
    blinks: Flags
    least_rise: float
    from_first: bool

    def run(self, apex: int | None) -> tuple[Candidate, list[Candidate], bool]:
        """Find the best and other candidates, and whether the best one is weak."""
        last = len(self.curve) - 1
        peak = self.peak(range(1, last + 1)) if apex is None else apex
        weak = self.height(peak) < self.least_rise
        if apex is not None:
            return replace(self.candidate(peak, weak), read=peak), [], weak
        if weak:
            return self.candidate((last + 1) // 2, weak), [], weak
        best = self.candidate(peak)
        return best, self.others(best), weak

    def peak(self, frames: range) -> int:
        """The highest of some frames, of those without a blink if there are any."""
        heights = self.curve[frames.start : frames.stop]
        open_eyes = ~self.blinks[frames.start : frames.stop]
        return frames.start + int(
            np.where(open_eyes, heights, -np.inf if open_eyes.any() else heights).argmax()
        )

    def height(self, peak: int) -> float:
        """How far a peak exceeds the level at rest."""
        return float(self.curve[peak] - np.percentile(self.curve, 20))

    def candidate(self, peak: int, weak: bool = False, since: int = 0) -> Candidate:
        """The rise to a peak, which starts at `since` or later."""
        start = since if self.from_first or weak else self._onset(peak, since)
        return Candidate(start, peak, peak if weak else self._read(start, peak))

    def others(self, best: Candidate) -> list[Candidate]:
        """The rises before and after the best one."""
        if self.from_first:
            return []
        least = max(self.least_rise, _LEAST_OF_STRONGEST * self._rise(best))
        free = [range(best.onset), range(self._end(best.apex), len(self.curve))]
        found: list[Candidate] = []
        while free:
            frames = free.pop()
            if len(frames) < 2:
                continue
            peak = self.peak(frames[1:])
            other = self.candidate(peak, since=frames.start)
            if other.apex > other.onset and self._rise(other) >= least:
                found.append(other)
                free += [range(frames.start, other.onset), range(self._end(peak), frames.stop)]
        return sorted(found, key=self._rise, reverse=True)[:_MOST_OTHERS]

    def _rise(self, found: Candidate) -> float:
        return float(self.curve[found.apex] - self.curve[found.onset])

    def _onset(self, peak: int, since: int) -> int:
        """The start of a rise; one within a blink is moved before it, else after it."""
        start = since + _rise_start(self.curve[since : peak + 1])
        if not self.blinks[start]:
            return start
        before = np.flatnonzero(~self.blinks[since:start])
        after = np.flatnonzero(~self.blinks[start:peak])
        if before.size:
            return since + int(before[-1])
        return start + int(after[0]) if after.size else start

    def _read(self, onset: int, apex: int) -> int:
        """The frame whose motion since the onset is classified."""
        moved = self.curve[onset : apex + 1] - self.curve[onset] >= _READ_PX
        enough = np.flatnonzero(moved & ~self.blinks[onset : apex + 1])
        return onset + int(enough[0]) if enough.size else apex

    def _end(self, apex: int) -> int:
        """The frame after a peak at which its fall ends."""
        fall = self.curve[apex:]
        return apex + int(fall.argmin()) if len(fall) > 1 else len(self.curve)


def _extract_features(
    crops: Sequence[Crop],
    where: Sequence[Similarity | None],
    progress: Progress | None,
    shape: HeadShape | None,
) -> list[MotionFeatures]:
    # A crop that shows something else than the face keeps the features of the previous one.
    shown = [not is_cut(crops[0], crop) for crop in crops]
    extractor = MotionFeatureExtractor(crops[0], shape)
    places = list(compress(where, shown))
    moved: Iterable[HeadMotion | None] = repeat(None)
    if places:
        moved = None, *map(cut_elsewhere, places, places[1:])
    extracted = map(extractor.extract, compress(crops, shown), moved)
    motion: list[MotionFeatures] = []
    for done, is_shown in enumerate(shown):
        motion.append(next(extracted) if is_shown else motion[-1])
        if progress and done:
            progress("spotting", done, len(crops) - 1)
    return motion


def _rise_start(rise: Floats) -> int:
    """The frame at which a curve that ends at its peak starts to rise."""
    peak = len(rise) - 1
    rest = min(float(np.percentile(rise, 10)), float(rise.mean()))
    foot = int(np.flatnonzero(rise <= max(rest, rise.min()))[-1])
    return round(max(0.0, peak - edge(rise[foot:][::-1])))
