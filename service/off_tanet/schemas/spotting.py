"""What a long video is answered with: expressions, each with its course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from off_tanet import types
from off_tanet.identifiers import ulid
from off_tanet.schemas.prediction import ModelNameBody, MomentBody, PredictionBody, moment_body


class MicroBody(PredictionBody):
    """A micro-expression of a video: a prediction, and where in the video it belongs."""

    kind: Literal["micro"]
    offset: MomentBody
    strength_px: float = Field(description="of its motion, pixels at 112 x 112")
    confidence: float = Field(description="0.5 to 1: how far it stands out of all else that moves")

    @classmethod
    def of_expression(
        cls,
        found: types.Expression,
        made: types.Prediction,
        pictures: Mapping[str, object],
    ) -> Self:
        prediction = PredictionBody.of(made, pictures).model_dump(exclude_unset=True)
        return cls.model_validate({"kind": "micro", **prediction, **_course(found)})


class MacroBody(BaseModel):
    """A longer expression of a video, which the model says nothing of."""

    kind: Literal["macro"]
    onset: MomentBody
    apex: MomentBody
    offset: MomentBody
    strength_px: float
    confidence: float

    @classmethod
    def of(cls, found: types.Expression) -> Self:
        return cls.model_validate({"kind": "macro", **_course(found)})


ExpressionBody = Annotated[MicroBody | MacroBody, Field(discriminator="kind")]


class VideoBody(BaseModel):
    """What of the video was seen."""

    frames: int
    frames_with_face: int
    seconds: float


class SpottingBody(BaseModel):
    """Every expression of a video, in the order of their ends."""

    id: str
    model: ModelNameBody
    expressions: list[ExpressionBody]
    video: VideoBody
    warnings: list[
        Literal["cut", "turned_head", "occluded", "blink", "face_lost", "damaged_video"]
    ] = Field(
        description="turned_head, occluded and blink are told where they last most of the video"
    )
    timings_ms: dict[str, float]

    @classmethod
    def of(cls, made: types.VideoSpotting, expressions: Sequence[MicroBody | MacroBody]) -> Self:
        return cls.model_validate(
            {
                "id": ulid(),
                "model": ModelNameBody(name=made.model.name, version=made.model.version),
                "expressions": expressions,
                "video": VideoBody(
                    frames=made.frames,
                    frames_with_face=made.frames_with_face,
                    seconds=round(made.seconds, 6),
                ),
                "warnings": made.warnings,
                "timings_ms": {stage: round(ms, 3) for stage, ms in made.timings_ms.items()},
            }
        )


def _course(found: types.Expression) -> dict[str, object]:
    return {
        "onset": moment_body(found.onset),
        "apex": moment_body(found.apex),
        "offset": moment_body(found.offset),
        "strength_px": round(found.strength_px, 4),
        "confidence": round(found.confidence, 4),
    }
