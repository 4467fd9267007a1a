"""The expressions of a long video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from off_tanet.types.model import ModelName
from off_tanet.types.motion import Motion, Signals
from off_tanet.types.pictures import Moment
from off_tanet.types.prediction import Prediction

ExpressionKind = Literal["micro", "macro"]
"""Micro-expressions last up to half a second by default, macro-expressions longer."""

EventKind = Literal["blink", "speech", "head_turn", "face_lost"]
"""What happens to a face besides expressions."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a face, and is no expression. It ends at the latest at a cut.

    Attributes:
        kind: What happens.
        start: Position of its first frame.
        end: Position of its last frame.
        strength: Of `blink`, the share of the usual opening of the eyes that is missing, at most 1;
            of `speech`, the range of the opening of the mouth, in the unit of `Signals.mouth`; of
            `head_turn`, the largest yaw or pitch in degrees; of `face_lost`, the number of frames.
        face_index: With `faces="all"`, the number of the face, from 0; else None.
    """

    kind: EventKind
    start: Moment
    end: Moment
    strength: float
    face_index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One expression of a video.

    Attributes:
        kind: Whether it is a micro- or a macro-expression.
        onset: Position of the first frame of its motion.
        apex: Position of the frame with the strongest motion.
        offset: Position of the frame at which the motion has disappeared.
        strength_px: Strength of its motion, in pixels at 112 x 112.
        confidence: 0.5..1; the higher, the more its motion stands out from all other motion.
        prediction: The prediction for its onset and apex. That of a macro-expression is for the
            frame on which it has left its rest, `prediction.classified`.
        face_index: With `faces="all"`, the number of the face, from 0; else None.
    """

    kind: ExpressionKind
    onset: Moment
    apex: Moment
    offset: Moment
    strength_px: float
    confidence: float
    prediction: Prediction
    face_index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VideoSpotting:
    """All expressions of a long video.

    Attributes:
        model: The model that made the predictions.
        expressions: The expressions in the order of their offsets.
        frames: Number of frames of the video.
        frames_with_face: Number of frames in which a face was tracked.
        seconds: Duration of the video.
        events: What else happens to the face, in the order of starts.
        judged_s: Seconds of video in which expressions were looked for.
        unjudged_s: The remaining seconds by cause: `face_lost`, `cut`, `occluded`, `turned_head`,
            and `speech`, during which only expressions are reported that stand out more. Of several
            faces, those of the first one.
        time_uncertainty_s: By how much each time may be wrong: the time between two frames. It
            matters below 50 frames a second; None above that.
        warnings: Names of warnings about the whole video.
        signals: Measurements of the face on every frame; None if the frames were already face
            crops.
        motion: How far the first face is from its mean of the seconds around, ten times a second;
            None if it was not seen.
        timings_ms: Milliseconds per stage, and their `total`.
    """

    model: ModelName
    expressions: tuple[Expression, ...]
    frames: int
    frames_with_face: int
    seconds: float
    events: tuple[Event, ...] = ()
    judged_s: float = 0.0
    unjudged_s: dict[str, float] = field(default_factory=dict)
    time_uncertainty_s: float | None = None
    warnings: tuple[str, ...] = ()
    signals: Signals | None = None
    motion: Motion | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)


ExpressionCallback = Callable[[Expression], None]
"""Called with each expression as soon as it is certain."""
