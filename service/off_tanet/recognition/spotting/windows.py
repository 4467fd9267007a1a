"""Spotting of expressions in a stream of crops, in overlapping windows and bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from off_tanet.limits import Durations, Thresholds
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.spotting.activity import ActivityRecorder
from off_tanet.recognition.spotting.chaining import ChainedExtractor
from off_tanet.recognition.spotting.conditions import FaceConditions
from off_tanet.recognition.spotting.curves import even_moments, resampled
from off_tanet.recognition.spotting.intervals import ExpressionInterval, find_intervals
from off_tanet.recognition.spotting.latest_motion import LOOK_BACK_S, latest_motion_px
from off_tanet.recognition.spotting.postures import distance, posture
from off_tanet.types import ExpressionKind, Moment

Floats = NDArray[np.float64]

_WINDOW_S = 20.0  # the effect of head and blinks on the features is estimated within a window
_STEP_S = 5.0
_MARGIN_S = 4.0  # of video after an offset, before the interval is reported
_OFFSET_TOLERANCE_S = 0.5  # by which an offset may differ between windows
_RATE = 60.0  # samples a second, at most


@dataclass(frozen=True, slots=True, eq=False)
class SpottedInterval:
    """The interval of one expression, with the two frames that are classified.

    `strength_px` and `confidence` are those of `types.Expression`, `classified` is the position of
    `classified_frame`, whose motion since the onset is classified.
    """

    kind: ExpressionKind
    onset: Moment
    apex: Moment
    offset: Moment
    strength_px: float
    confidence: float
    onset_frame: TrackedFrame
    classified_frame: TrackedFrame
    classified: Moment


@dataclass(frozen=True, slots=True, eq=False)
class _Observation:
    frame: TrackedFrame
    moment: Moment
    features: Floats
    nuisances: Floats
    posture: Floats | None


@dataclass(slots=True)
class ExpressionSpotter:
    """Spots the expressions of one face in its crops.

    It keeps the crops of at most 25 s and reports an expression 4 to 20 s of video after its
    offset.
    """

    durations: Durations = field(default_factory=Durations)
    thresholds: Thresholds = field(default_factory=Thresholds)
    activity: ActivityRecorder = field(default_factory=ActivityRecorder)
    _observations: list[_Observation] = field(default_factory=list)
    _extractor: ChainedExtractor | None = None
    _reported_until_s: float = -np.inf  # every interval that ends earlier has been reported
    _last_offset_s: float = -np.inf  # of the reported intervals

    def add(self, frame: TrackedFrame, moment: Moment) -> list[SpottedInterval]:
        """Process the next frame that shows the face.

        Args:
            frame: The frame, which has a crop.
            moment: Its index and time, later than that of the previous frame.

        Returns:
            The expressions that are now certain, in the order of time.
        """
        if self._extractor is None:
            self._extractor = ChainedExtractor(frame)
        features, nuisances = self._extractor.extract(frame)
        shape = None if frame.landmarks is None else posture(frame.landmarks)
        self._observations.append(_Observation(frame, moment, features, nuisances, shape))
        if moment.time_s - self._observations[0].moment.time_s < _WINDOW_S:
            return []
        found = self._report(moment.time_s - _MARGIN_S)
        kept_s = self._observations[0].moment.time_s + _STEP_S
        self._observations = [seen for seen in self._observations if seen.moment.time_s >= kept_s]
        return found

    def latest_motion_px(self) -> float | None:
        """Return `latest_motion_px` at the last frame; None if the scene has just begun."""
        latest_s = self._observations[-1].moment.time_s if self._observations else 0.0
        seen = [each for each in self._observations if each.moment.time_s >= latest_s - LOOK_BACK_S]
        if len(seen) < 3:
            return None
        return latest_motion_px(
            np.array([each.features for each in seen]),
            np.array([each.nuisances for each in seen]),
            np.array([each.moment.time_s for each in seen]),
        )

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
            for interval in sorted(
                self._detect(until_s), key=lambda interval: interval.onset.time_s
            )
            if since_s < interval.offset.time_s <= until_s
            and interval.apex.time_s > self._last_offset_s
        ]
        if found:
            self._last_offset_s = max(interval.offset.time_s for interval in found)
        return found

    def _detect(self, until_s: float) -> list[SpottedInterval]:
        """All intervals in the current window, whose motion up to `until_s` is recorded."""
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
        self.activity.add(features, nuisances, even_s, rate, until_s)
        conditions = self._conditions(times_s, even_s)
        found = [
            interval
            for interval in find_intervals(features, nuisances, rate)
            if interval.offset - interval.onset >= self.durations.shortest_s * rate
            and conditions.stands_out(interval, self._kind(interval, rate))
        ]
        return [self._spotted(each, times_s, rate) for each in (*found, *conditions.holds)]

    def _conditions(self, times_s: Floats, even_s: Floats) -> FaceConditions:
        """What else the face does in the current window."""
        postures = [seen.posture for seen in self._observations if seen.posture is not None]
        signals = [
            seen.frame.signals for seen in self._observations if seen.frame.signals is not None
        ]
        if not len(postures) == len(signals) == len(times_s):
            return FaceConditions.unknown()
        return FaceConditions.measure(
            resampled(np.array(postures), times_s, even_s),
            signals,
            times_s,
            even_s,
            self.thresholds,
            self.durations.longest_s,
        )

    def _kind(self, interval: ExpressionInterval, rate: float) -> ExpressionKind:
        duration_s = (interval.offset - interval.onset) / rate
        return "micro" if duration_s <= self.durations.longest_s else "macro"

    def _spotted(
        self, interval: ExpressionInterval, times_s: Floats, rate: float
    ) -> SpottedInterval:
        """An interval in samples as one in frames of the video."""
        places = [
            int(np.abs(times_s - (times_s[0] + place / rate)).argmin())
            for place in (interval.onset, interval.apex, interval.offset)
        ]
        onset, apex, offset = (self._observations[place] for place in places)
        kind = self._kind(interval, rate)
        read = self._left_rest(places[0], places[1]) if kind == "macro" else apex
        return SpottedInterval(
            kind=kind,
            onset=onset.moment,
            apex=apex.moment,
            offset=offset.moment,
            strength_px=interval.strength_px,
            confidence=interval.prominence / (1 + interval.prominence),
            onset_frame=onset.frame,
            classified_frame=read.frame,
            classified=read.moment,
        )

    def _left_rest(self, onset: int, apex: int) -> _Observation:
        """Where a macro-expression has left its rest, or its apex if that is not seen.

        The model knows motions of a pixel or two. Of 24 plain expressions of filmed people, 18 were
        recognised there, and 15 at the apex.
        """
        first = self._observations[onset].posture
        for seen in self._observations[onset + 1 : apex]:
            if first is None or seen.posture is None:
                break
            if distance(seen.posture - first) >= self.thresholds.macro_px / 2:
                return seen
        return self._observations[apex]
