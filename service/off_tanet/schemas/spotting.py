"""Bodies of responses for long videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

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


class MicroBody(PredictionBody):
    """A micro-expression of a video, with its prediction."""

    kind: Literal["micro"]
    offset: MomentBody = Field(description="The frame at which the motion has disappeared.")
    strength_px: float = Field(description=_STRENGTH)
    confidence: float = Field(description=_CONFIDENCE)
    face_index: int | None = Field(None, description=_FACE_INDEX)

    @classmethod
    def of_expression(
        cls,
        expression: types.Expression,
        prediction: types.Prediction,
        included: Mapping[str, object],
    ) -> Self:
        """Create the body with a new identifier.

        Args:
            expression: The expression.
            prediction: Its prediction.
            included: The optional fields that the request includes.
        """
        fields = PredictionBody.of(prediction, included).model_dump(exclude_unset=True)
        return cls.model_validate({"kind": "micro", **fields, **_common_fields(expression)})


class MacroBody(BaseModel):
    """A longer expression of a video, which the model does not cover."""

    kind: Literal["macro"]
    onset: MomentBody
    apex: MomentBody
    offset: MomentBody
    strength_px: float = Field(description=_STRENGTH)
    confidence: float = Field(description=_CONFIDENCE)
    face_index: int | None = Field(None, description=_FACE_INDEX)

    @classmethod
    def of(cls, expression: types.Expression) -> Self:
        """Create the body from an expression."""
        return cls.model_validate({"kind": "macro", **_common_fields(expression)})


ExpressionBody = Annotated[MicroBody | MacroBody, Field(discriminator="kind")]


class VideoBody(BaseModel):
    """The extent of the video."""

    frames: int
    frames_with_face: int = Field(description="Number of frames in which a face was tracked.")
    seconds: float


class SpottingBody(BaseModel):
    """All expressions of a video, in the order of their offsets."""

    id: str
    model: ModelNameBody
    expressions: list[ExpressionBody]
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

    @classmethod
    def of(
        cls,
        result: types.VideoSpotting,
        expressions: Sequence[MicroBody | MacroBody],
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
                "video": VideoBody(
                    frames=result.frames,
                    frames_with_face=result.frames_with_face,
                    seconds=round(result.seconds, 6),
                ),
                "warnings": result.warnings,
                "timings_ms": {stage: round(ms, 3) for stage, ms in result.timings_ms.items()},
                **included,
            }
        )


def _common_fields(expression: types.Expression) -> dict[str, object]:
    index = expression.face_index
    return {
        **({} if index is None else {"face_index": index}),
        "onset": moment_body(expression.onset),
        "apex": moment_body(expression.apex),
        "offset": moment_body(expression.offset),
        "strength_px": round(expression.strength_px, 4),
        "confidence": round(expression.confidence, 4),
    }
