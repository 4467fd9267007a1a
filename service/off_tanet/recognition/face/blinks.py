"""Detection of blinks by the opening of the eyes."""

from __future__ import annotations

from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

# Open eyes are those of most of the seconds around a frame: eyes that look down for long are open.
_AROUND_S = 2.5
_OPEN_PERCENT = 80.0
_STEP_S = 0.5


def closing(openings: Floats, times_s: Floats) -> NDArray[np.float64]:
    """Measure how far the eyes are closed.

    Args:
        openings: The mean opening of both eyes at each frame, [T]; NaN without a face.
        times_s: The time of each frame, [T], in seconds.

    Returns:
        The share of the usual opening that is missing, [T], at most 1; NaN without a face.
    """
    steps_s = np.arange(times_s[0], times_s[-1] + _STEP_S, _STEP_S)
    starts = np.searchsorted(times_s, steps_s - _AROUND_S)
    stops = np.searchsorted(times_s, steps_s + _AROUND_S, "right")
    with catch_warnings():
        simplefilter("ignore", RuntimeWarning)  # of seconds without a face
        usual = [
            float(np.nanpercentile(openings[start:stop], _OPEN_PERCENT)) if stop > start else np.nan
            for start, stop in zip(starts, stops, strict=True)
        ]
    return np.asarray(1 - openings / np.interp(times_s, steps_s, usual), np.float64)
