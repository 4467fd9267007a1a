"""The signals of a face over the frames of a clip or video."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter

import numpy as np

from off_tanet.recognition.face.pose import HeadPose
from off_tanet.recognition.face.signals import FaceSignals
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.types import Signals

_POSE = {field.name for field in fields(HeadPose)}
_NAMES = tuple(field.name for field in fields(Signals) if field.name != "time_s")
_values_of = attrgetter(*(f"pose.{name}" if name in _POSE else name for name in _NAMES))
_ABSENT = [float("nan")] * len(_NAMES)


class SignalRecorder:
    """Collects the signals of all frames, in 60 bytes for each: 4.3 MB for 72,000 frames."""

    def __init__(self) -> None:
        self._times_s = array("d")
        self._values = array("f")
        self._found = False

    def add(self, time_s: float, signals: FaceSignals | None) -> None:
        """Add a frame; without signals, its values are NaN."""
        self._times_s.append(time_s)
        self._values.extend(_ABSENT if signals is None else _values_of(signals))
        self._found |= signals is not None

    def signals(self) -> Signals | None:
        """Return the signals of all frames; None if none of them has any."""
        if not self._found:
            return None
        columns = np.array(self._values, np.float32).reshape(-1, len(_NAMES)).T.copy()
        return Signals(np.array(self._times_s), **dict(zip(_NAMES, columns, strict=True)))


def record_signals(frames: Iterable[TrackedFrame], times_s: Iterable[float]) -> Signals | None:
    """Return the signals of tracked frames at their times; None if no frame has any."""
    recorder = SignalRecorder()
    for time_s, frame in zip(times_s, frames, strict=True):
        recorder.add(float(time_s), frame.signals)
    return recorder.signals()
