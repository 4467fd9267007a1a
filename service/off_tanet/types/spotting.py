"""The expressions of a long video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from off_tanet.types.model import ModelName
from off_tanet.types.motion import Signals
from off_tanet.types.pictures import Moment
from off_tanet.types.prediction import Prediction

ExpressionKind = Literal["micro", "macro"]
"""Micro-expressions last up to half a second by default, macro-expressions longer."""


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
        prediction: The prediction for its onset and apex; None for `macro`, which the model does
            not cover.
        face_index: With `faces="all"`, the number of the face, from 0; else None.
    """

    kind: ExpressionKind
    onset: Moment
    apex: Moment
    offset: Moment
    strength_px: float
    confidence: float
    prediction: Prediction | None = None
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
        warnings: Names of warnings about the whole video.
        signals: Measurements of the face on every frame; None if the frames were already face
            crops.
        timings_ms: Milliseconds per stage, and their `total`.
    """

    model: ModelName
    expressions: tuple[Expression, ...]
    frames: int
    frames_with_face: int
    seconds: float
    warnings: tuple[str, ...] = ()
    signals: Signals | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)


ExpressionCallback = Callable[[Expression], None]
"""Called with each expression as soon as it is certain."""
