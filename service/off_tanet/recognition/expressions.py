"""Recognition of the expressions that were spotted in a long video."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from off_tanet.face_choice import FaceCount
from off_tanet.recognition import quality
from off_tanet.recognition.pair import pair_of_frames
from off_tanet.recognition.pair_recognizer import PairRecognizer
from off_tanet.recognition.spotting.video import MultiFaceSpotter, SpottedExpression
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.types import Event, Expression, ModelCard, ModelName, VideoSpotting


def recognise(spotted: SpottedExpression, pairs: PairRecognizer, faces: FaceCount) -> Expression:
    """Recognise a spotted expression.

    Args:
        spotted: The interval with its frames.
        pairs: Recognises the pair of onset and apex.
        faces: With `all`, the expression has the index of its face.

    Returns:
        The expression.
    """
    interval = spotted.interval
    pair = pair_of_frames(
        (interval.onset_frame, interval.classified_frame),
        (interval.onset, interval.apex),
        spotted.warnings,
    )
    pair = replace(pair, classified=interval.classified)
    return Expression(
        kind=interval.kind,
        onset=interval.onset,
        apex=interval.apex,
        offset=interval.offset,
        strength_px=interval.strength_px,
        confidence=interval.confidence,
        prediction=pairs.predict(pair, Stopwatch()),
        face_index=spotted.face_index if faces == "all" else None,
    )


def summarise(
    spotter: MultiFaceSpotter,
    expressions: Iterable[Expression],
    warnings: Collection[str],
    card: ModelCard,
    faces: FaceCount,
) -> VideoSpotting:
    """Describe a whole video.

    Args:
        spotter: What was seen in the video.
        expressions: Its expressions, in any order.
        warnings: Warnings in addition to those of the spotter.
        card: The model that made the predictions.
        faces: With `all`, the events have the index of their face.

    Returns:
        The description, without times.
    """
    first = spotter.timelines[0]
    unjudged_s = first.unjudged_s()
    found = {*spotter.warnings, *warnings}
    interval_s = spotter.seconds / max(1, spotter.frames - 1)
    return VideoSpotting(
        model=ModelName(card.name, card.version),
        expressions=tuple(sorted(expressions, key=lambda found: found.offset.index)),
        frames=spotter.frames,
        frames_with_face=spotter.frames_with_face,
        seconds=spotter.seconds,
        events=_events(spotter, faces),
        judged_s=max(0.0, spotter.seconds + interval_s - sum(unjudged_s.values())),
        unjudged_s=unjudged_s,
        time_uncertainty_s=interval_s if "low_frame_rate" in found else None,
        signals=first.signals,
        motion=spotter.motion,
        warnings=quality.sort_warnings(found),
    )


def _events(spotter: MultiFaceSpotter, faces: FaceCount) -> tuple[Event, ...]:
    """The events of all faces in the order of their starts."""
    found = [
        replace(event, face_index=index if faces == "all" else None)
        for index, timeline in enumerate(spotter.timelines)
        for event in timeline.events()
    ]
    return tuple(sorted(found, key=lambda event: (event.start.index, event.kind)))
