"""The eyes over the frames of a clip: when they blink, and when they are wider than usual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.tracking import TrackedFrame

Curve = NDArray[np.float64]
Flags = NDArray[np.bool_]

# As shares of the usual opening. Noise of the landmarks moves it by 0.01 to 0.02.
_CLOSING = 0.92
_CLOSED = 0.85
_WIDE = 1.03
_NEAR_S = 0.2
_LONGEST_BLINK_S = 0.6  # a smile narrows the eyes for longer


def opening(frames: Sequence[TrackedFrame]) -> Curve:
    """Return the opening of both eyes on each frame as a share of their usual opening.

    Args:
        frames: T tracked frames of one face.

    Returns:
        The opening, [T]: 1 is the median of the clip, NaN where it was not measured.
    """
    measured = np.array(
        [
            np.nan if frame.signals is None else frame.signals.right_eye + frame.signals.left_eye
            for frame in frames
        ]
    )
    known = measured[np.isfinite(measured)]
    return measured / max(1e-6, float(np.median(known))) if known.size else measured


def blinking(opening: Curve, times_s: NDArray[np.floating]) -> Flags:
    """Find the frames of blinks: the eyes close and open again within 0.6 s.

    Neither onset nor apex of an expression is among them: eyes that open again after a blink look
    like eyes that widen.

    Args:
        opening: The opening of the eyes, as `opening` returns it, [T].
        times_s: The time of each frame, [T], in seconds.

    Returns:
        Whether each frame belongs to a blink, [T].
    """
    found = np.zeros(len(opening), np.bool_)
    for run in _runs(opening < _CLOSING):
        lasts_s = float(times_s[run.stop - 1] - times_s[run.start])
        if lasts_s <= _LONGEST_BLINK_S and opening[run.start : run.stop].min() < _CLOSED:
            found[run.start : run.stop] = True
    return found


def widened(opening: Curve, times_s: NDArray[np.floating]) -> Flags:
    """Find the frames near which the eyes are wider than usual.

    Only there, lids that rise are part of an expression; elsewhere they return to where they were.
    The noise of the landmarks would change a motion if frames were taken one by one.

    Args:
        opening: The opening of the eyes, as `opening` returns it, [T].
        times_s: The time of each frame, [T], in seconds.

    Returns:
        Whether each frame is within 0.2 s of wide eyes, or of eyes that were not measured, [T].
    """
    wide_s = times_s[~(opening <= _WIDE)]
    nearest_s = np.abs(np.subtract.outer(times_s, wide_s)).min(axis=1, initial=np.inf)
    return np.asarray(nearest_s <= _NEAR_S)


def _runs(flags: Flags) -> Iterator[range]:
    """The runs of successive frames that are set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        yield range(int(start), int(stop))
