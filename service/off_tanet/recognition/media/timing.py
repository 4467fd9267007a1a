"""When each frame of a clip is shown."""

from __future__ import annotations

import math

from av.video.frame import VideoFrame

_FALLBACK_FPS = 25.0


class Clock:
    """Times in seconds from the first frame, by the stamps of a container or by its rate.

    Where a container has no times but counts its packets, as an AVI does, FFmpeg guesses a stamp
    from the order in which frames are coded: they would jump by steps of 5 and 30 ms for 10. The
    decoder takes one packet for each frame that it gives, so their count is even.
    """

    def __init__(self, fps: float | None, counted: bool) -> None:
        """Begin.

        Args:
            fps: The nominal rate, for frames that have no stamp, or one that does not advance.
            counted: Whether the container counts frames instead of telling their times.
        """
        self._step_s = 1 / (fps or _FALLBACK_FPS)
        self._counted = counted
        self._first_s: float | None = None
        self._time_s = -self._step_s

    def time_of(self, frame: VideoFrame) -> float:
        """The time of the next frame, which is always later than that of the one before."""
        stamp_s, expected_s = self._stamp(frame), self._time_s + self._step_s
        if self._first_s is None and math.isfinite(stamp_s):
            self._first_s = stamp_s - expected_s
        since_s = stamp_s - (self._first_s or 0.0)
        advances = self._time_s < since_s < math.inf and since_s >= 0
        self._time_s = since_s if advances else expected_s
        return self._time_s

    def _stamp(self, frame: VideoFrame) -> float:
        """NaN where the frame has none, as with the last ones of a decoder that holds some back."""
        ticks = frame.dts if self._counted else frame.pts
        return math.nan if ticks is None or not frame.time_base else float(ticks * frame.time_base)
