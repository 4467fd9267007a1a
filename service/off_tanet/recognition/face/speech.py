"""Detection of speech by its rhythm: the mouth opens and closes several times a second."""

from __future__ import annotations

from math import exp, inf, isnan

# Two to eight syllables follow each other in a second, and most of them open and close the mouth.
# An expression is one swing, or two with its end. Measured: see `Thresholds.speech_opening`.
_LONGEST_SWING_S = 0.5
_LEAST_SWINGS = 5

# The time constant of a low-pass filter. On faces that are hard to read, the opening jitters from
# frame to frame by 0.01: without the filter, 2 of 12 made videos with expressions have spans of
# speech, with it none; longer ones miss real speech.
_SMOOTHING_S = 0.02


class SpeechDetector:
    """Finds the spans of time in which a face speaks.

    The mouth turns where its opening has changed by `least_opening` since it was widest or
    narrowest, so that noise does not count. Speech is a run of at least five swings from turn to
    turn, each of which takes half a second at most.

    Args:
        least_opening: The least swing, in the unit of `FaceSignals.mouth`.
    """

    def __init__(self, least_opening: float) -> None:
        self._least_opening = least_opening
        self._spans: list[tuple[float, float]] = []
        self._turns_s: list[float] = []  # of the current run
        self._mouth, self._time_s = 0.0, -inf  # smoothed; the latest
        self._sign = 1  # of the direction in which the mouth moves
        self._extreme, self._extreme_s = -inf, 0.0  # the farthest in this direction

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Start and end of each span of speech so far, in seconds, in the order of time."""
        return [*self._spans, *self._current_span()]

    @property
    def seconds(self) -> float:
        """The duration of all spans so far."""
        return sum(end_s - start_s for start_s, end_s in self.spans)

    def during(self, start_s: float, end_s: float) -> bool:
        """Return whether the face speaks in an interval, or within half a second of it.

        The mouth still closes after the last turn of a run.
        """
        early_s, late_s = start_s - _LONGEST_SWING_S, end_s + _LONGEST_SWING_S
        return any(first_s <= late_s and last_s >= early_s for first_s, last_s in self.spans)

    def add(self, time_s: float, mouth: float) -> None:
        """Process the next frame; `mouth` is NaN where the face was not found."""
        if isnan(mouth):
            self._restart()
            return
        self._mouth = mouth - (mouth - self._mouth) * exp((self._time_s - time_s) / _SMOOTHING_S)
        self._time_s = time_s
        along = self._sign * self._mouth
        if along > self._extreme:
            self._extreme, self._extreme_s = along, time_s
        elif along <= self._extreme - self._least_opening:
            self._turn()
            self._sign, self._extreme, self._extreme_s = -self._sign, -along, time_s

    def _restart(self) -> None:
        """Wait for the next turn, whose swing is not known."""
        self._end_run()
        self._time_s, self._sign, self._extreme = -inf, 1, -inf

    def _turn(self) -> None:
        """Add the latest extreme to the run."""
        if self._turns_s and self._extreme_s - self._turns_s[-1] > _LONGEST_SWING_S:
            self._end_run()
        self._turns_s.append(self._extreme_s)

    def _end_run(self) -> None:
        self._spans += self._current_span()
        self._turns_s = []

    def _current_span(self) -> list[tuple[float, float]]:
        enough = len(self._turns_s) > _LEAST_SWINGS
        return [(self._turns_s[0], self._turns_s[-1])] if enough else []
