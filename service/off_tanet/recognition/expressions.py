"""Recognition of the expressions that were spotted in a long video."""

from __future__ import annotations

from off_tanet.face_choice import FaceCount
from off_tanet.recognition.pair import PairRecognizer, pair_of_frames
from off_tanet.recognition.spotting.video import SpottedExpression
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.types import Expression


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
