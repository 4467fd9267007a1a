"""Bodies of responses for long videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import BaseModel, Field

from off_tanet import types
from off_tanet.identifiers import ulid
from off_tanet.schemas.prediction import (
    ModelNameBody,
    MomentBody,
    PredictionBody,
    moment_body,
)
from off_tanet.schemas.signals import SignalsBody

_STRENGTH = "Strength of the motion, in pixels at 112 x 112."
_FACE_INDEX = (
    "With faces=all: the number of the face, from 0. The faces of the first frame that shows one "
    "are numbered by size, the largest first, and faces that appear later follow."
)
_CONFIDENCE = "0.5 to 1; the higher, the more the motion stands out from all other motion."


class ExpressionBody(PredictionBody):
    """An expression of a video, with its prediction."""

    kind: Literal["micro", "macro"] = Field(
        description="Whether it is a micro-expression, or lasts longer than half a second."
    )
    offset: MomentBody = Field(description="The frame at which the motion has disappeared.")
    strength_px: float = Field(description=_STRENGTH)
    confidence: float = Field(description=_CONFIDENCE)
    face_index: int | None = Field(None, description=_FACE_INDEX)

    @classmethod
    def of_expression(cls, expression: types.Expression, included: Mapping[str, object]) -> Self:
        """Create the body with a new identifier.

        Args:
            expression: The expression.
            included: The optional fields that the request includes.
        """
        fields = PredictionBody.of(expression.prediction, included).model_dump(exclude_unset=True)
        index = expression.face_index
        return cls.model_validate(
            {
                **fields,
                **({} if index is None else {"face_index": index}),
                "kind": expression.kind,
                "onset": moment_body(expression.onset),
                "apex": moment_body(expression.apex),
                "offset": moment_body(expression.offset),
                "strength_px": round(expression.strength_px, 4),
                "confidence": round(expression.confidence, 4),
            }
        )


class EventBody(BaseModel):
    """Something that happens to a face, and is no expression. It ends at the latest at a cut."""

    kind: Literal["blink", "speech", "head_turn", "face_lost"]
    start: MomentBody = Field(description="Its first frame.")
    end: MomentBody = Field(description="Its last frame.")
    strength: float = Field(
        description="Of blink, the share of the usual opening of the eyes that is missing, at most "
        "1; of speech, the range of the opening of the mouth, as a share of the distance of the "
        "eyes' outer corners; of head_turn, the largest yaw or pitch in degrees; of face_lost, the "
        "number of frames."
    )
    face_index: int | None = Field(None, description=_FACE_INDEX)

    @classmethod
    def of(cls, event: types.Event) -> Self:
        """Create the body from an event."""
        index = event.face_index
        return cls.model_validate(
            {
                **({} if index is None else {"face_index": index}),
                "kind": event.kind,
                "start": moment_body(event.start),
                "end": moment_body(event.end),
                "strength": round(event.strength, 4),
            }
        )


Cause = Literal["face_lost", "cut", "occluded", "turned_head", "speech"]


class VideoBody(BaseModel):
    """The extent of the video."""

    frames: int
    frames_with_face: int = Field(description="Number of frames in which a face was tracked.")
    seconds: float
    judged_s: float = Field(description="Seconds in which expressions were looked for.")
    unjudged_s: dict[Cause, float] = Field(
        description="The remaining seconds, by cause. During speech, only expressions are reported "
        "that stand out more. Of several faces, those of the first one."
    )
    time_uncertainty_s: float | None = Field(
        None,
        description="By how many seconds each time may be wrong: those between two frames. Absent "
        "at 50 frames a second and more, where it does not matter.",
    )


class VideoMotionBody(BaseModel):
    """How much the face moves over a video: the largest motion in each tenth of a second."""

    times_s: list[float] = Field(description="Seconds from the start of the video.")
    strength_px: list[float] = Field(
        description="Distance of the face from its mean of the seconds around, in pixels at 112 x "
        "112, without the motion of head and lids."
    )

    @classmethod
    def of(cls, motion: types.Motion) -> Self:
        """Create the body from a curve."""
        return cls(
            times_s=[round(float(time), 3) for time in motion.times_s],
            strength_px=[round(float(strength), 3) for strength in motion.strength_px],
        )


class SpottingBody(BaseModel):
    """All expressions of a video, in the order of their offsets."""

    id: str
    model: ModelNameBody
    expressions: list[ExpressionBody]
    events: list[EventBody] = Field(
        description="Blinks, speech, turns of the head, and when no face is found, in the order of "
        "their starts."
    )
    video: VideoBody
    warnings: list[
        Literal[
            "cut",
            "turned_head",
            "occluded",
            "blink",
            "face_lost",
            "damaged_video",
            "speech",
            "low_frame_rate",
            "dark",
            "backlit",
        ]
    ] = Field(
        description="Reasons to distrust the result, as for a prediction. turned_head, occluded, "
        "blink, speech, dark and backlit are given if they last for most of the video."
    )
    timings_ms: dict[str, float] = Field(description="Milliseconds per stage, and their total.")
    signals: SignalsBody | None = Field(
        None, description="With include=signals and face=auto: the signals of the whole video."
    )

    motion: VideoMotionBody | None = Field(
        None, description="With include=motion: the motion of the first face."
    )

    @classmethod
    def of(
        cls,
        result: types.VideoSpotting,
        expressions: Sequence[ExpressionBody],
        included: Mapping[str, object],
    ) -> Self:
        """Create the body with a new identifier.

        Args:
            result: The result of the spotting.
            expressions: The converted expressions.
            included: The optional fields that the request includes.
        """
        return cls.model_validate(
            {
                "id": ulid(),
                "model": ModelNameBody(name=result.model.name, version=result.model.version),
                "expressions": expressions,
                "events": [EventBody.of(event) for event in result.events],
                "video": _video(result),
                "warnings": result.warnings,
                "timings_ms": {stage: round(ms, 3) for stage, ms in result.timings_ms.items()},
                **included,
            }
        )


def _video(result: types.VideoSpotting) -> VideoBody:
    uncertain_s = result.time_uncertainty_s
    return VideoBody.model_validate(
        {
            "frames": result.frames,
            "frames_with_face": result.frames_with_face,
            "seconds": round(result.seconds, 6),
            "judged_s": round(result.judged_s, 3),
            "unjudged_s": {cause: round(s, 3) for cause, s in result.unjudged_s.items()},
            **({} if uncertain_s is None else {"time_uncertainty_s": round(uncertain_s, 4)}),
        }
    )
