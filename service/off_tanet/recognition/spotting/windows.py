"""Spotting of expressions in a stream of crops, in overlapping windows and bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from off_tanet.limits import Durations
from off_tanet.recognition.motion.features import MotionFeatureExtractor, MotionFeatures
from off_tanet.recognition.motion.head_motion import HeadMotion
from off_tanet.recognition.spotting.curves import even_moments, resampled
from off_tanet.recognition.spotting.intervals import ExpressionInterval, find_intervals
from off_tanet.types import Crop, ExpressionKind, Moment

Floats = NDArray[np.float64]

_WINDOW_S = 20.0  # the effect of head and blinks on the features is estimated within a window
_STEP_S = 5.0
_MARGIN_S = 4.0  # of video after an offset, before the interval is reported
_OFFSET_TOLERANCE_S = 0.5  # by which an offset may differ between windows
_RATE = 60.0  # samples a second, at most
_MAX_SHIFT_PX = 4.0  # of the head from the reference, before another reference is taken


@dataclass(frozen=True, slots=True, eq=False)
class SpottedInterval:
    """The interval of one expression, with the two crops that are classified.

    `strength_px` and `confidence` are those of `types.Expression`.
    """

    kind: ExpressionKind
    onset: Moment
    apex: Moment
    offset: Moment
    strength_px: float
    confidence: float
    onset_crop: Crop
    apex_crop: Crop


@dataclass(frozen=True, slots=True, eq=False)
class _Observation:
    crop: Crop
    moment: Moment
    features: Floats
    nuisances: Floats


@dataclass(slots=True)
class ExpressionSpotter:
    """Spots the expressions of one face in its crops.

    It keeps the crops of at most 25 s and reports an expression 4 to 20 s of video after its
    offset.
    """

    durations: Durations = field(default_factory=Durations)
    _observations: list[_Observation] = field(default_factory=list)
    _extractor: _ChainedExtractor | None = None
    _reported_until_s: float = -np.inf  # every interval that ends earlier has been reported
    _last_offset_s: float = -np.inf  # of the reported intervals

    def add(self, crop: Crop, moment: Moment) -> list[SpottedInterval]:
        """Process the next crop.

        Args:
            crop: The crop [112, 112].
            moment: Its index and time, later than that of the previous crop.

        Returns:
            The expressions that are now certain, in the order of time.
        """
        if self._extractor is None:
            self._extractor = _ChainedExtractor(crop)
        features, nuisances = self._extractor.extract(crop)
        self._observations.append(_Observation(crop, moment, features, nuisances))
        if moment.time_s - self._observations[0].moment.time_s < _WINDOW_S:
            return []
        found = self._report(moment.time_s - _MARGIN_S)
        kept_s = self._observations[0].moment.time_s + _STEP_S
        self._observations = [seen for seen in self._observations if seen.moment.time_s >= kept_s]
        return found

    def finish(self) -> list[SpottedInterval]:
        """End the scene and return its remaining expressions; the next crop starts another one."""
        found = self._report(np.inf) if len(self._observations) > 2 else []
        self._observations, self._extractor = [], None
        self._reported_until_s = self._last_offset_s = -np.inf
        return found

    def _report(self, until_s: float) -> list[SpottedInterval]:
        """The intervals that end at `until_s` or earlier and have not been reported.

        The offset of one expression differs slightly between windows. The tolerance makes sure
        that an interval that ends near the previous limit is reported exactly once.
        """
        since_s = self._reported_until_s - _OFFSET_TOLERANCE_S
        self._reported_until_s = until_s
        found = [
            interval
            for interval in sorted(self._detect(), key=lambda interval: interval.onset.time_s)
            if since_s < interval.offset.time_s <= until_s
            and interval.apex.time_s > self._last_offset_s
        ]
        if found:
            self._last_offset_s = max(interval.offset.time_s for interval in found)
        return found

    def _detect(self) -> list[SpottedInterval]:
        """All intervals in the current window."""
        times_s = np.array([seen.moment.time_s for seen in self._observations])
        even_s = even_moments(times_s, _RATE)
        rate = (len(even_s) - 1) / float(even_s[-1] - even_s[0])
        features, nuisances = (
            resampled(np.array(curves), times_s, even_s)
            for curves in (
                [seen.features for seen in self._observations],
                [seen.nuisances for seen in self._observations],
            )
        )
        return [
            self._spotted(interval, times_s, rate)
            for interval in find_intervals(features, nuisances, rate)
            if interval.offset - interval.onset >= self.durations.shortest_s * rate
        ]

    def _spotted(
        self, interval: ExpressionInterval, times_s: Floats, rate: float
    ) -> SpottedInterval:
        """An interval in samples as one in frames of the video."""
        onset, apex, offset = (
            self._observations[int(np.abs(times_s - (times_s[0] + place / rate)).argmin())]
            for place in (interval.onset, interval.apex, interval.offset)
        )
        duration_s = (interval.offset - interval.onset) / rate
        return SpottedInterval(
            kind="micro" if duration_s <= self.durations.longest_s else "macro",
            onset=onset.moment,
            apex=apex.moment,
            offset=offset.moment,
            strength_px=interval.strength_px,
            confidence=interval.prominence / (1 + interval.prominence),
            onset_crop=onset.crop,
            apex_crop=apex.crop,
        )


class _ChainedExtractor:
    """Extracts features that stay comparable when the reference crop changes.

    Flow of more than a few pixels is inaccurate. Once the head has moved far from the reference,
    the current crop becomes the reference, and the motion up to it is added to all later features.
    """

    def __init__(self, first: Crop) -> None:
        self._extractor = MotionFeatureExtractor(first)
        self._features: Floats | float = 0.0
        self._head = HeadMotion.none()

    def extract(self, crop: Crop) -> tuple[Floats, Floats]:
        """The features and nuisances of a crop against the first one."""
        latest = self._extractor.extract(crop)
        total = MotionFeatures(
            latest.features + self._features, latest.lids, latest.head + self._head
        )
        if np.abs(latest.head.matrix[:, 2]).max() > _MAX_SHIFT_PX:
            self._extractor = MotionFeatureExtractor(crop)
            self._features, self._head = total.features, total.head
        return total.features, total.nuisances
