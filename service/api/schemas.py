"""What goes over the wire, as the OpenAPI document shows it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service.api.identity import ulid
from service.messages import WorkerInfo
from service.recognition import types

Included = Literal["flow", "arrows", "strain", "attention", "crops", "motion", "report", "arrays"]
"""What an answer may hold beside the rest: pictures, and the arrays they are drawn from."""


class ModelNameBody(BaseModel):
    name: str
    version: str


class MomentBody(BaseModel):
    """A frame of the clip; a pair of pictures has the indices 0 and 1."""

    index: int
    time_s: float


class LandmarksBody(BaseModel):
    """Points x, y in pixels of the upload; left and right are the picture's."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]


class FaceBody(BaseModel):
    box: tuple[float, float, float, float] = Field(description="x, y, width, height in pixels")
    score: float = Field(description="the detector's, 0 to 1")
    landmarks: LandmarksBody

    @classmethod
    def of(cls, face: types.Face) -> Self:
        points = {
            name: _rounded(getattr(face.landmarks, name)) for name in LandmarksBody.model_fields
        }
        return cls(
            box=_rounded(face.box),
            score=round(face.score, 4),
            landmarks=LandmarksBody.model_validate(points),
        )


class QualityBody(BaseModel):
    motion_px: float = Field(description="strength of the expression's motion, pixels at 112 x 112")
    head_motion_px: float = Field(description="mean motion of the head, pixels at 112 x 112")
    warnings: list[
        Literal[
            "no_motion",
            "low_motion",
            "large_head_motion",
            "weak_apex",
            "several_faces",
            "small_face",
            "cut",
            "turned_head",
            "occluded",
            "blink",
            "face_lost",
            "damaged_video",
            "damaged_image",
            "light_change",
        ]
    ] = Field(
        description=(
            "What to distrust. cut: frames of different scenes, of which the longest was searched; "
            "turned_head: by 30 degrees or more; occluded: something before the face; blink: "
            "closed eyes between onset and apex; face_lost: in a part of the clip, or found anew "
            "elsewhere; damaged_video: a part could not be decoded and was left out, or may not be "
            "what was taken; "
            "damaged_image: a part of a picture may not be what was taken; "
            "light_change: between onset and apex, by more than could be undone."
        )
    )


class MotionBody(BaseModel):
    """The motion curve of a clip, and its picture."""

    times_s: list[float]
    strength_px: list[float]
    offset: MomentBody | None = Field(description="where the motion has gone; null where it stays")
    scene_end: int | None = Field(
        description="from this frame on nothing was measured; null where all was"
    )
    picture: str = Field(description="PNG data URI")

    @classmethod
    def of(cls, motion: types.Motion, apex: int, picture: str) -> Self:
        offset = motion.offset(apex)
        return cls(
            times_s=[round(float(time), 6) for time in motion.times_s],
            strength_px=[round(float(strength), 4) for strength in motion.strength_px],
            offset=None
            if offset is None
            else MomentBody(index=offset, time_s=round(float(motion.times_s[offset]), 6)),
            scene_end=motion.scene_end,
            picture=picture,
        )


class ArraysBody(BaseModel):
    """What was measured, as float32 in C order, little-endian, in base64."""

    flow: str = Field(description="[2, 112, 112]: u, v from onset to apex in pixels")
    attention: str = Field(description="[14, 14], each value in 0..1")

    @classmethod
    def of(cls, flow: types.Flow, attention: types.Attention) -> Self:
        return cls(flow=_packed(flow), attention=_packed(attention))


class CropsBody(BaseModel):
    """The face as the model got it, 112 x 112 grey pixels, as PNG data URIs."""

    onset: str
    apex: str


class PredictionBody(BaseModel):
    """Scores of a statistical model for one observed motion: not a finding about a person."""

    id: str
    model: ModelNameBody
    label: Literal["negative", "positive", "surprise"]
    probabilities: dict[Literal["negative", "positive", "surprise"], float]
    onset: MomentBody
    apex: MomentBody
    face: FaceBody | None = Field(description="null with face=none")
    quality: QualityBody
    timings_ms: dict[str, float]
    flow: str | None = Field(None, description="with include=flow: PNG data URI, colour wheel")
    arrows: str | None = Field(
        None, description="with include=arrows: PNG data URI, flow over the onset crop"
    )
    strain: str | None = Field(None, description="with include=strain: PNG data URI")
    attention: str | None = Field(
        None, description="with include=attention: PNG data URI, attention over the apex crop"
    )
    crops: CropsBody | None = Field(None, description="with include=crops")
    motion: MotionBody | None = Field(None, description="with include=motion, for clips")
    arrays: ArraysBody | None = Field(None, description="with include=arrays")
    report: str | None = Field(
        None, description="with include=report: PNG data URI, all of this on one page"
    )

    @classmethod
    def of(cls, made: types.Prediction, drawn: Mapping[str, object]) -> Self:
        """`drawn` are the fields of those pictures that were asked for."""
        fields: dict[str, object] = {
            "id": ulid(),
            "model": ModelNameBody(name=made.model.name, version=made.model.version),
            "label": made.label,
            "probabilities": made.probabilities,
            "onset": moment_body(made.onset),
            "apex": moment_body(made.apex),
            "face": made.face and FaceBody.of(made.face),
            "quality": QualityBody(
                motion_px=round(made.quality.motion_px, 4),
                head_motion_px=round(made.quality.head_motion_px, 4),
                warnings=list(made.quality.warnings),
            ),
            "timings_ms": {stage: round(ms, 3) for stage, ms in made.timings_ms.items()},
            **drawn,
        }
        return cls.model_validate(fields)


class ModelBody(BaseModel):
    """The model's own card, read from its file."""

    name: str
    version: str
    classes: list[str]
    input: str
    parameters: int
    licence: str
    training_data: str
    preprocessing: dict[str, object] = Field(description="what the graph does with the flow")
    training: dict[str, object] = Field(description="the configuration it was trained with")
    scores: dict[str, object] = Field(description="measured; see the model card for how")
    limits: str = Field(description="what it cannot do")
    responsible_use: str = Field(description="what it must not be used for")
    flow_build: str = Field(description="the build of the flow kernel that this processor runs")

    @classmethod
    def of(cls, info: WorkerInfo) -> Self:
        card = info.card
        return cls(
            name=card.name,
            version=card.version,
            classes=list(card.classes),
            input=card.input,
            parameters=card.parameters,
            licence=card.licence,
            training_data=card.training_data,
            preprocessing=dict(card.preprocessing),
            training=dict(card.training),
            scores=dict(card.scores),
            limits=card.limits,
            responsible_use=card.responsible_use,
            flow_build=info.flow_build,
        )


class HealthBody(BaseModel):
    status: Literal["live", "ready"]


def moment_body(moment: types.Moment) -> MomentBody:
    return MomentBody(index=moment.index, time_s=round(moment.time_s, 6))


def _packed(values: NDArray[np.float32]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _rounded(numbers: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(number, 2) for number in numbers)
