"""Recognition of the expressions that were spotted in a long video."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from off_tanet.face_choice import FaceCount
from off_tanet.recognition import quality
from off_tanet.recognition.pair import pair_of_frames
from off_tanet.recognition.pair_recognizer import PairRecognizer
from off_tanet.recognition.spotting.video import MultiFaceSpotter, SpottedExpression
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.types import Expression, ModelCard, ModelName, VideoSpotting


def recognise(spotted: SpottedExpression, pairs: PairRecognizer, faces: FaceCount) -> Expression:
    """Recognise a spotted expression, if it is a micro-expression.

    Args:
        spotted: The interval with its frames.
        pairs: Recognises the pair of onset and apex.
        faces: With `all`, the expression has the index of its face.

    Returns:
        The expression.
    """
    interval = spotted.interval
    prediction = None
    if interval.kind == "micro":
        pair = pair_of_frames(
            (interval.onset_frame, interval.apex_frame),
            (interval.onset, interval.apex),
            spotted.warnings,
        )
        prediction = pairs.predict(pair, Stopwatch())
    return Expression(
        kind=interval.kind,
        onset=interval.onset,
        apex=interval.apex,
        offset=interval.offset,
        strength_px=interval.strength_px,
        confidence=interval.confidence,
        prediction=prediction,
        face_index=spotted.face_index if faces == "all" else None,
    )


def summarise(
    spotter: MultiFaceSpotter,
    expressions: Iterable[Expression],
    warnings: Collection[str],
    card: ModelCard,
) -> VideoSpotting:
    """Describe a whole video.

    Args:
        spotter: What was seen in the video.
        expressions: Its expressions, in any order.
        warnings: Warnings in addition to those of the spotter.
        card: The model that made the predictions.

    Returns:
        The description, without times.
    """
    return VideoSpotting(
        model=ModelName(card.name, card.version),
        expressions=tuple(sorted(expressions, key=lambda found: found.offset.index)),
        frames=spotter.frames,
        frames_with_face=spotter.frames_with_face,
        seconds=spotter.seconds,
        signals=spotter.signals,
        warnings=quality.sort_warnings({*spotter.warnings, *warnings}),
    )
