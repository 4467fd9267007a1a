"""Presentation times of the frames of a clip."""

from __future__ import annotations

import math

from av.video.frame import VideoFrame

_FALLBACK_FPS = 25.0


class Clock:
    """Compute frame times in seconds from the first frame, by timestamps or by the frame rate.

    A container that counts its packets instead of storing times, such as AVI, has no presentation
    timestamps. FFmpeg guesses them from the order in which frames are coded, with steps of 5 and
    30 ms where 10 ms are right. The decoder consumes one packet for each frame that it returns, so
    the packet counts (dts) advance evenly.
    """

    def __init__(self, fps: float | None, constant_rate: bool) -> None:
        """Start a clock before the first frame.

        Args:
            fps: The nominal frame rate, used for frames without a timestamp, and where timestamps
                do not advance. None: 25.
            constant_rate: Whether the container counts frames instead of storing their times.
        """
        self._step_s = 1 / (fps or _FALLBACK_FPS)
        self._constant_rate = constant_rate
        self._first_s: float | None = None
        self._time_s = -self._step_s

    def time_of(self, frame: VideoFrame) -> float:
        """Return the time of the next frame in seconds, always later than the previous one."""
        stamp_s, expected_s = self._stamp(frame), self._time_s + self._step_s
        if self._first_s is None and math.isfinite(stamp_s):
            self._first_s = stamp_s - expected_s
        since_s = stamp_s - (self._first_s or 0.0)
        advances = self._time_s < since_s < math.inf and since_s >= 0
        self._time_s = since_s if advances else expected_s
        return self._time_s

    def _stamp(self, frame: VideoFrame) -> float:
        """Return the timestamp, NaN without one (as for the last frames of a delaying decoder)."""
        ticks = frame.dts if self._constant_rate else frame.pts
        return math.nan if ticks is None or not frame.time_base else float(ticks * frame.time_base)
