"""What else a face does while its motion is spotted: it speaks, blinks, or holds an expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from off_tanet.limits import Thresholds
from off_tanet.recognition.face.blinks import closing
from off_tanet.recognition.face.signals import FaceSignals
from off_tanet.recognition.face.speech import SpeechDetector
from off_tanet.recognition.spotting.intervals import ExpressionInterval
from off_tanet.recognition.spotting.postures import find_holds
from off_tanet.types import ExpressionKind

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_AROUND_S = 0.1  # a blink or a held expression pulls at the face a little longer


@dataclass(frozen=True, slots=True, eq=False)
class FaceConditions:
    """The conditions of a face over T frames at an even rate.

    Attributes:
        holds: Expressions that hold, by its landmarks.
        away_px: The distance of lips or brows from their rest, [T], in pixels at 112 x 112.
        disturbed: Whether the face speaks or its eyes are closed, [T].
        held: Whether an expression holds, [T].
        rest_px: From this distance on, the face is not at rest.
        least_prominence: What stands out less than this is no expression of a disturbed face.
    """

    holds: tuple[ExpressionInterval, ...]
    away_px: Floats
    disturbed: Flags
    held: Flags
    rest_px: float
    least_prominence: float

    @classmethod
    def unknown(cls) -> FaceConditions:
        """Return the conditions of frames that already are face crops, without landmarks."""
        return cls((), np.zeros(0), np.zeros(0, bool), np.zeros(0, bool), np.inf, 0.0)

    @classmethod
    def measure(
        cls,
        postures: Floats,
        signals: Sequence[FaceSignals],
        times_s: Floats,
        even_s: Floats,
        thresholds: Thresholds,
        shortest_s: float,
    ) -> FaceConditions:
        """Measure the conditions of a face.

        Args:
            postures: Lips and brows, [T, 120], as returned by `postures.posture`.
            signals: The measurements of N frames.
            times_s: Their times, [N], in seconds.
            even_s: The times of the result, [T], in seconds.
            thresholds: The values from which on a condition applies.
            shortest_s: The least duration of an expression that holds.
        """
        rate = (len(even_s) - 1) / float(even_s[-1] - even_s[0])
        speaks = _speaks(signals, times_s, even_s, thresholds.speech_opening)
        openings = np.array([each.eyes for each in signals])
        closed = np.interp(even_s, times_s, closing(openings, times_s)) > thresholds.blink_closing
        turns = np.array([(each.pose.yaw, each.pose.pitch) for each in signals])
        turns = np.column_stack([np.interp(even_s, times_s, turn) for turn in turns.T])
        bar = np.where(speaks, thresholds.disturbed_prominence, 1.0)
        found = find_holds(postures, turns, thresholds.macro_px * bar, rate, shortest_s)
        around = round(_AROUND_S * rate)
        held = np.zeros(len(even_s), bool)
        for hold in found.holds:
            held[int(hold.onset) : int(hold.offset) + 1] = True
        return cls(
            holds=found.holds,
            away_px=found.away_px,
            disturbed=speaks | _widened(closed, around),
            held=_widened(held, around),
            rest_px=thresholds.macro_px / 2,
            least_prominence=thresholds.disturbed_prominence,
        )

    def stands_out(self, interval: ExpressionInterval, kind: ExpressionKind) -> bool:
        """Decide whether a motion is an expression of its own.

        It belongs to one that holds if its apex lies in that. A micro-expression starts from rest
        or returns to it. What occurs during speech or a blink has to stand out more.

        Args:
            interval: The motion.
            kind: Whether it is micro or macro.
        """
        if not self.away_px.size:
            return True
        onset, apex, offset = (
            round(place) for place in (interval.onset, interval.apex, interval.offset)
        )
        if self.held[apex]:
            return False
        if kind == "micro" and min(self.away_px[onset], self.away_px[offset]) > self.rest_px:
            return False
        disturbed = bool(self.disturbed[onset : offset + 1].any())
        return not disturbed or interval.prominence >= self.least_prominence


def _speaks(
    signals: Sequence[FaceSignals], times_s: Floats, even_s: Floats, least_opening: float
) -> Flags:
    """Whether the face speaks at each time or within half a second of it."""
    detector = SpeechDetector(least_opening)
    for time_s, each in zip(times_s, signals, strict=True):
        detector.add(float(time_s), each.mouth)
    return np.array([detector.during(time_s, time_s) for time_s in even_s.tolist()], bool)


def _widened(flags: Flags, frames: int) -> Flags:
    """Whether a flag is set up to `frames` away."""
    near = np.convolve(flags, np.ones(2 * frames + 1))[frames : frames + len(flags)]
    return np.asarray(near > 0.5)
