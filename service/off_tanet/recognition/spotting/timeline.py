"""The timeline of a face in a video: blinks, speech, turns, and when nothing is judged."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from off_tanet.limits import Thresholds
from off_tanet.recognition.face.blinks import closing
from off_tanet.recognition.face.recording import SignalRecorder
from off_tanet.recognition.face.signals import mouth_opening
from off_tanet.recognition.face.speech import SpeechDetector
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.types import Event, EventKind, Moment, Signals

Floats = NDArray[np.floating]

CAUSES = ("face_lost", "cut", "occluded", "turned_head", "speech")
"""Why a moment is not judged; of several causes, the first one counts."""

_JUDGED = len(CAUSES)
_SPEECH = CAUSES.index("speech")


class Timeline:
    """Collects what happens to a face, in 70 bytes for each frame.

    Args:
        thresholds: The values from which on an event begins.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._recorder = SignalRecorder()
        self.speech = SpeechDetector(thresholds.speech_opening)
        self._causes = array("b")
        self._indices = array("i")
        self._times_s = array("d")
        self._scenes = array("i")

    def add(self, frame: TrackedFrame, moment: Moment) -> None:
        """Process the next frame."""
        self._recorder.add(moment.time_s, frame.signals)
        self.speech.add(moment.time_s, mouth_opening(frame.signals))
        words = frame.warnings if frame.crop is not None else {"face_lost"}
        found = (place for place, cause in enumerate(CAUSES) if cause in words)
        self._causes.append(next(found, _JUDGED))
        self._indices.append(moment.index)
        self._times_s.append(moment.time_s)
        self._scenes.append(self._scene(frame))

    @property
    def signals(self) -> Signals | None:
        """The signals of all frames so far; None if the frames already were face crops."""
        return self._recorder.signals()

    def unjudged_s(self) -> dict[str, float]:
        """Return the seconds that were not judged, by cause, in the order of `CAUSES`.

        During speech only expressions are reported that stand out more.
        """
        if len(self._times_s) < 2:
            return {}
        causes = self._causes_of_frames()
        lasts_s = np.diff(self._times_s, append=2 * self._times_s[-1] - self._times_s[-2])
        seconds = {
            cause: float(lasts_s[causes == place].sum()) for place, cause in enumerate(CAUSES)
        }
        return {cause: each for cause, each in seconds.items() if each}

    def events(self) -> tuple[Event, ...]:
        """Return all events in the order of their starts; none goes on over a cut."""
        lost = np.array(self._causes) == CAUSES.index("face_lost")
        found = list(self._events("face_lost", lost, np.ones(len(lost)), np.sum))
        signals = self.signals
        if signals is not None:
            found += self._signal_events(signals)
        return tuple(sorted(found, key=lambda event: (event.start.index, event.kind)))

    def _signal_events(self, signals: Signals) -> Iterator[Event]:
        opening = (signals.right_eye + signals.left_eye) / 2
        closed = closing(opening, signals.time_s)
        yield from self._events("blink", closed > self._thresholds.blink_closing, closed, np.max)
        turned = np.array(self._causes) == CAUSES.index("turned_head")
        degrees = np.maximum(np.abs(signals.yaw), np.abs(signals.pitch))
        yield from self._events("head_turn", turned, degrees, np.max)
        yield from self._events("speech", self._speaks(), signals.mouth, np.ptp)

    def _events(
        self,
        kind: EventKind,
        flags: NDArray[np.bool_],
        values: Floats,
        strength: Callable[[Floats], float],
    ) -> Iterator[Event]:
        """An event for each run of flags in one scene."""
        scenes = np.array(self._scenes)
        changes = np.flatnonzero(np.diff(flags) | (np.diff(scenes) != 0)) + 1
        for run in np.split(np.arange(len(flags)), changes):
            if run.size and flags[run[0]]:
                yield Event(
                    kind=kind,
                    start=self._moment(run[0]),
                    end=self._moment(run[-1]),
                    strength=float(strength(values[run])),
                )

    def _speaks(self) -> NDArray[np.bool_]:
        times_s = np.array(self._times_s)
        flags = np.zeros(len(times_s), bool)
        for start_s, end_s in self.speech.spans:
            flags[np.searchsorted(times_s, start_s) : np.searchsorted(times_s, end_s, "right")] = 1
        return flags

    def _causes_of_frames(self) -> NDArray[np.int8]:
        causes = np.array(self._causes)
        causes[(causes == _JUDGED) & self._speaks()] = _SPEECH
        return causes

    def _scene(self, frame: TrackedFrame) -> int:
        """A number that changes with each cut."""
        latest = self._scenes[-1] if self._scenes else 0
        return latest + ("cut" in frame.warnings)

    def _moment(self, place: int) -> Moment:
        return Moment(int(self._indices[place]), float(self._times_s[place]))
