"""How much a face moves over a long video: a curve for people to look at."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.motion.features import lengths
from off_tanet.recognition.spotting.curves import gaussian_smooth
from off_tanet.recognition.spotting.intervals import without_nuisances
from off_tanet.types import Motion

Floats = NDArray[np.float64]

_STEP_S = 0.1  # 12,000 values for 20 minutes; each is the largest within
_SMOOTHING_S = 0.02
_AROUND_S = 1.0  # longer than most expressions
_STRONGEST_PERCENT = 95.0  # as in the motion curve of a clip


class ActivityRecorder:
    """Collects the curve from overlapping windows."""

    def __init__(self) -> None:
        self._times_s = array("d")
        self._strength_px = array("d")

    def add(
        self, features: Floats, nuisances: Floats, times_s: Floats, rate: float, until_s: float
    ) -> None:
        """Add what is new in a window.

        Args:
            features: Motion features [T, D].
            nuisances: Motions of head and lids [T, N].
            times_s: Evenly spaced times, [T].
            rate: Samples a second.
            until_s: Later times are left to the next window.
        """
        last_s = self._times_s[-1] if self._times_s else -np.inf
        places = np.flatnonzero((times_s >= last_s + _STEP_S) & (times_s <= until_s))
        if not places.size:
            return
        strength = activity(features, nuisances, rate)
        steps = np.floor((times_s[places] - times_s[places[0]]) / _STEP_S)
        for run in np.split(places, np.flatnonzero(np.diff(steps)) + 1):
            self._times_s.append(float(times_s[run[0]]))
            self._strength_px.append(float(strength[run].max()))

    def motion(self) -> Motion | None:
        """Return the curve so far; None if no face was seen for long enough."""
        if not self._times_s:
            return None
        return Motion(np.array(self._strength_px, np.float32), np.array(self._times_s, np.float32))


def activity(features: Floats, nuisances: Floats, rate: float) -> Floats:
    """Return how far the face is, at each time, from its mean of the seconds around.

    Args:
        features: Motion features [T, D].
        nuisances: Motions of head and lids [T, N], whose effect is removed.
        rate: Samples a second.

    Returns:
        The motion of the cells that move most, [T], in pixels at 112 x 112.
    """
    clean = gaussian_smooth(without_nuisances(features, nuisances, rate), _SMOOTHING_S * rate)
    moved = clean - gaussian_smooth(clean, _AROUND_S * rate)
    return np.asarray(np.percentile(lengths(moved), _STRONGEST_PERCENT, axis=-1), np.float64)
