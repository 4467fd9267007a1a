"""Clips and videos are decoded in a thread of their own where a core is free, with one answer."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from off_tanet.configuration import SAMPLES, Configuration
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Moment, Prediction, VideoSpotting


def recognised(way: str, ahead: bool) -> tuple[Prediction | VideoSpotting, set[str]]:
    """The answer for a sample, and the names of the threads that were seen meanwhile."""
    recognizer = Recognizer(Configuration(decode_ahead=ahead))
    seen: set[str] = set()

    def look(_stage: str, _done: int, _total: int) -> None:
        seen.update(thread.name for thread in threading.enumerate())

    content = (SAMPLES / f"{way}.mp4").read_bytes()
    if way == "clip":
        return recognizer.clip(content, progress=look), seen
    return recognizer.video(content, progress=look), seen


@pytest.mark.parametrize("way", ["clip", "video"])
def test_the_answer_does_not_depend_on_the_thread(way: str) -> None:
    """And there is no thread where it would only take time from the work."""
    ahead, threads = recognised(way, ahead=True)
    assert "off-tanet-decoding" in threads
    in_turn, threads = recognised(way, ahead=False)
    assert "off-tanet-decoding" not in threads
    assert places(in_turn) == places(ahead)
    for one, other in zip(predictions(in_turn), predictions(ahead), strict=True):
        assert one.probabilities == other.probabilities
        assert np.array_equal(one.flow, other.flow)


def predictions(answer: Prediction | VideoSpotting) -> list[Prediction]:
    """The predictions of a clip or of a video's expressions; at least one."""
    if isinstance(answer, Prediction):
        return [answer]
    assert answer.expressions
    return [each.prediction for each in answer.expressions]


def places(answer: Prediction | VideoSpotting) -> list[tuple[Moment, Moment]]:
    """Onset and apex of each prediction."""
    return [(each.onset, each.apex) for each in predictions(answer)]
