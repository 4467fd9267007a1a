"""The spot-then-recognise score as its authors' program computes it, for comparison with papers.

G.-B. Liong, J. See, C. S. Chan, "Spot-then-recognize: A micro-expression analysis network for
seamless evaluation of long videos", Signal Processing: Image Communication 110, 2023. It differs
from the definition of the challenge:

- A prediction may be right for several events, and counts as often.
- Videos without events do not count, nor do people without predictions: false alarms there, and
  events that were missed, are left out.
- The F1 of recognition is the harmonic mean of the mean precision and the mean recall of all
  emotions, those included of which no event was found. Its "UAR" is that mean precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from off_tanet_export.evaluation.events import Event, by_video
from off_tanet_export.evaluation.spotting import MIN_OVERLAP, Interval, overlap
from off_tanet_export.metrics import confusion


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """The figures of the program.

    Attributes:
        right: The number of matches of a prediction and an event.
        false: The number of predictions without a match.
        missed: The number of events without a match.
        precision: Mean precision of recognition over emotions.
        recall: Mean recall of recognition over emotions.
    """

    right: int
    false: int
    missed: int
    precision: float
    recall: float

    @property
    def spotting(self) -> float:
        """The F1 of spotting."""
        total = 2 * self.right + self.false + self.missed
        return 2 * self.right / total if total else 0.0

    @property
    def recognition(self) -> float:
        """The harmonic mean of precision and recall of recognition."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def strs(self) -> float:
        """The product of both."""
        return self.spotting * self.recognition


def published_score(true: Sequence[Event], found: Sequence[Event]) -> PublishedScore:
    """Score all videos.

    Args:
        true: The annotated events, in the order of their file.
        found: The predictions, in the order of their file.
    """
    people = {event.video[0] for event in found}
    predictions = by_video(found, ())
    pairs: list[tuple[Event, Event]] = []
    false = missed = 0
    for video, events in by_video(true, ()).items():
        if video[0] not in people:
            continue
        left = list(events)
        for prediction in predictions.get(video, ()):
            hits = [event for event in left if _is_match(event, prediction)]
            left = [event for event in left if event not in hits]
            pairs += [(event, prediction) for event in hits]
            false += not hits
        missed += len(left)
    known = [pair for pair in pairs if pair[0].emotion]
    precision, recall = _recognition(known, sorted({event.emotion for event in true} - {""}))
    return PublishedScore(len(pairs), false, missed, precision, recall)


def _is_match(event: Event, prediction: Event) -> bool:
    intervals = [Interval(each.onset, each.offset) for each in (event, prediction)]
    return overlap(intervals[0], intervals[1]) >= MIN_OVERLAP


def _recognition(
    pairs: Sequence[tuple[Event, Event]], emotions: Sequence[str]
) -> tuple[float, float]:
    """Return precision and recall among the matches, averaged over emotions."""
    if not emotions:
        return 0.0, 0.0
    others = len(emotions)  # the place of predictions that are none of these
    places = {emotion: place for place, emotion in enumerate(emotions)}
    labels = np.array([places[event.emotion] for event, _ in pairs], np.int64)
    predicted = np.array([places.get(said.emotion, others) for _, said in pairs], np.int64)
    counts = confusion(labels, predicted, others + 1)
    right, said, there = (
        values[:others] for values in (np.diagonal(counts), counts.sum(0), counts.sum(1))
    )
    return (
        float((right / np.maximum(said, 1)).mean()),
        float((right / np.maximum(there, 1)).mean()),
    )
