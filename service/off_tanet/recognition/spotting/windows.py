"""Every expression of a long video, as its crops come in: bounded memory, results on the way."""

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

_WINDOW_S = 20.0  # looked at together: what head and blinks leave in the features is learned here
_STEP_S = 5.0
_AHEAD_S = 4.0  # an expression is judged with so much after it
_WAVERS_S = 0.5  # by so much an offset may differ from window to window
_RATE = 60.0  # postures a second that are looked at, at most
_FAR_PX = 4.0  # from the reference, from which on another is taken


@dataclass(frozen=True, slots=True, eq=False)
class SpottedInterval:
    """An expression that was found, with the two crops that its class is read from.

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
class _Look:
    crop: Crop
    moment: Moment
    features: Floats
    nuisances: Floats


@dataclass(slots=True)
class ExpressionSpotter:
    """Feed it the crops of one face in the order of time; `finish` at the end of each scene.

    Holds the crops of at most 25 s. An expression comes out 4 to 20 s of video after its offset.
    """

    durations: Durations = field(default_factory=Durations)
    _looks: list[_Look] = field(default_factory=list)
    _postures: _Postures | None = None
    _settled_s: float = -np.inf  # what ends before it was told, if it was there
    _last_s: float = -np.inf  # where the last that was told ended

    def feed(self, crop: Crop, moment: Moment) -> list[SpottedInterval]:
        """Take one crop [112, 112] in; what is now sure comes out, in the order of time."""
        if self._postures is None:
            self._postures = _Postures(crop)
        features, nuisances = self._postures.look(crop)
        self._looks.append(_Look(crop, moment, features, nuisances))
        if moment.time_s - self._looks[0].moment.time_s < _WINDOW_S:
            return []
        found = self._told(moment.time_s - _AHEAD_S)
        kept_s = self._looks[0].moment.time_s + _STEP_S
        self._looks = [look for look in self._looks if look.moment.time_s >= kept_s]
        return found

    def finish(self) -> list[SpottedInterval]:
        """The rest of this scene's expressions; the next crop begins another scene."""
        found = self._told(np.inf) if len(self._looks) > 2 else []
        self._looks, self._postures = [], None
        self._settled_s = self._last_s = -np.inf
        return found

    def _told(self, until_s: float) -> list[SpottedInterval]:
        """The expressions that end not after `until_s` and have not been told.

        Two windows do not find quite the same offset: what ends about where the first was settled
        must come out once, neither twice nor not at all.
        """
        since_s, self._settled_s = self._settled_s - _WAVERS_S, until_s
        found = [
            each
            for each in sorted(self._found(), key=lambda sighting: sighting.onset.time_s)
            if since_s < each.offset.time_s <= until_s and each.apex.time_s > self._last_s
        ]
        if found:
            self._last_s = max(each.offset.time_s for each in found)
        return found

    def _found(self) -> list[SpottedInterval]:
        times_s = np.array([look.moment.time_s for look in self._looks])
        even_s = even_moments(times_s, _RATE)
        rate = (len(even_s) - 1) / float(even_s[-1] - even_s[0])
        features, nuisances = (
            resampled(np.array(curves), times_s, even_s)
            for curves in (
                [look.features for look in self._looks],
                [look.nuisances for look in self._looks],
            )
        )
        return [
            self._sighting(bump, times_s, rate)
            for bump in find_intervals(features, nuisances, rate)
            if bump.offset - bump.onset >= self.durations.shortest_s * rate
        ]

    def _sighting(self, bump: ExpressionInterval, times_s: Floats, rate: float) -> SpottedInterval:
        onset, apex, offset = (
            self._looks[int(np.abs(times_s - (times_s[0] + place / rate)).argmin())]
            for place in (bump.onset, bump.apex, bump.offset)
        )
        lasts_s = (bump.offset - bump.onset) / rate
        return SpottedInterval(
            kind="micro" if lasts_s <= self.durations.longest_s else "macro",
            onset=onset.moment,
            apex=apex.moment,
            offset=offset.moment,
            strength_px=bump.strength_px,
            confidence=bump.prominence / (1 + bump.prominence),
            onset_crop=onset.crop,
            apex_crop=apex.crop,
        )


class _Postures:
    """Postures against a first crop that stay comparable when the reference has to change.

    Flow over more than a few pixels is bad flow, so that a head that has gone far is followed from
    where it is now, and what it had done by then is added to all that comes.
    """

    def __init__(self, first: Crop) -> None:
        self._track = MotionFeatureExtractor(first)
        self._features: Floats | float = 0.0
        self._head = HeadMotion.none()

    def look(self, crop: Crop) -> tuple[Floats, Floats]:
        """Features and nuisances of the crop's posture."""
        seen = self._track.posture(crop)
        posture = MotionFeatures(seen.features + self._features, seen.lids, seen.head + self._head)
        if np.abs(seen.head.matrix[:, 2]).max() > _FAR_PX:
            self._track = MotionFeatureExtractor(crop)
            self._features, self._head = posture.features, posture.head
        return posture.features, posture.nuisances
