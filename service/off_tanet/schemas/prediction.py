"""Bodies of responses: predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, Field

from off_tanet import types
from off_tanet.identifiers import ulid
from off_tanet.schemas.pictures import ArraysBody, CropsBody, ScalesBody
from off_tanet.schemas.signals import SignalsBody

Included = Literal[
    "flow", "arrows", "strain", "attention", "crops", "motion", "signals", "report", "arrays"
]
"""Optional contents of a response: pictures, and the arrays from which they are drawn."""

_REASONS = "Why there is no label; null if there is one. " + " ".join(
    f"{reason}: {words}" for reason, words in types.REASONS.items()
)


class ModelNameBody(BaseModel):
    """The model that made the prediction."""

    name: str
    version: str


class MomentBody(BaseModel):
    """Position of a frame in the clip; two pictures have the indices 0 and 1."""

    index: int
    time_s: float


class LandmarksBody(BaseModel):
    """Points (x, y) in pixels of the upload; left and right are those of the picture."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]


class FaceBody(BaseModel):
    """The face that was analysed."""

    box: tuple[float, float, float, float] = Field(
        description="x, y, width and height in pixels of the upload."
    )
    score: float = Field(description="Score of the face detector, 0 to 1.")
    landmarks: LandmarksBody

    @classmethod
    def of(cls, face: types.Face) -> Self:
        """Create the body from a detected face."""
        points = {
            name: _rounded(getattr(face.landmarks, name)) for name in LandmarksBody.model_fields
        }
        return cls(
            box=_rounded(face.box),
            score=round(face.score, 4),
            landmarks=LandmarksBody.model_validate(points),
        )


class QualityBody(BaseModel):
    """How far the prediction can be trusted."""

    motion_px: float = Field(
        description="Strength of the expression's motion, in pixels at 112 x 112."
    )
    head_motion_px: float = Field(description="Mean motion of the head, in pixels at 112 x 112.")
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
            "speech",
            "low_frame_rate",
            "light_change",
            "dark",
            "backlit",
        ]
    ] = Field(
        description=(
            "Reasons to distrust the prediction. "
            "no_motion: the face hardly moves, so that the classes mean nothing; "
            "low_motion: the motion is weak; "
            "large_head_motion: the head moves much; "
            "weak_apex: no peak of the motion stands out; "
            "several_faces: the largest of several faces was analysed, and none was chosen; "
            "small_face: the face is small in the picture; "
            "cut: the frames show different scenes or people, or a clip several scenes, of which "
            "the longest was searched; "
            "turned_head: the head is turned by 30 degrees or more; "
            "occluded: something covers a part of the face; "
            "blink: the eyes close between onset and apex; "
            "face_lost: no face was found in a part of the clip, or it was found again elsewhere; "
            "damaged_video: a part of the video was left out or may be decoded incorrectly; "
            "damaged_image: a part of a picture may be decoded incorrectly; "
            "speech: the mouth moves in the rhythm of speech; "
            "low_frame_rate: the clip has too few frames per second for exact times; "
            "light_change: the lighting changes between onset and apex by more than can be "
            "corrected; "
            "dark: the face is dark, so that its motion is underestimated; "
            "backlit: the face is dark in front of bright surroundings."
        )
    )


class MotionBody(BaseModel):
    """The motion curve of a clip, and a picture of it."""

    times_s: list[float] = Field(description="Seconds from the start of the clip, per frame.")
    strength_px: list[float] = Field(
        description="Strength of the motion in pixels at 112 x 112, per frame."
    )
    offset: MomentBody | None = Field(
        description="The frame at which most of the motion has disappeared; null if it does not."
    )
    scene_end: int | None = Field(
        description="The frame from which on nothing was measured; null if all frames were."
    )
    picture: str = Field(description="PNG data URI.")

    @classmethod
    def of(cls, motion: types.Motion, apex: int, picture: str) -> Self:
        """Create the body from a motion curve, the index of its apex and its picture."""
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


class AnswerBody(BaseModel):
    """What is said of one pair of onset and apex."""

    label: str | None = Field(
        description="The most probable class, one of the model's `classes`; null if there is no "
        "expression that can be named."
    )
    reason: types.Reason | None = Field(None, description=_REASONS)
    probabilities: dict[str, float] = Field(
        description="The probability of each class, given that there is an expression; also "
        "without a label. Their sum is 1."
    )
    expression_probability: float = Field(
        description="The probability that there is an expression at all, 0 to 1."
    )
    onset: MomentBody
    apex: MomentBody


class AlternativeBody(AnswerBody):
    """Another pair of onset and apex of the clip, less likely than that of the prediction."""

    @classmethod
    def of(cls, alternative: types.Alternative) -> Self:
        """Create the body from a candidate."""
        return cls.model_validate(_answer_fields(alternative))


class IdentifiedBody(BaseModel):
    """Identifier and model of an answer."""

    id: str
    model: ModelNameBody


class PredictionBody(AnswerBody, IdentifiedBody):  # the fields of the last base come first
    """Scores of a statistical model for one observed motion; not a finding about a person."""

    classified: MomentBody = Field(
        description="The frame whose motion since the onset was classified: the apex, or in a clip "
        "the first frame on which a strong expression has moved by 1.5 px."
    )
    face: FaceBody | None = Field(description="The analysed face; null with face=none.")
    quality: QualityBody
    timings_ms: dict[str, float] = Field(description="Milliseconds per stage, and their total.")
    flow: str | None = Field(
        None, description="With include=flow: the flow in colours, as a PNG data URI."
    )
    arrows: str | None = Field(
        None, description="With include=arrows: the flow over the onset crop, as a PNG data URI."
    )
    strain: str | None = Field(
        None, description="With include=strain: the optical strain, as a PNG data URI."
    )
    scales: ScalesBody | None = Field(None, description="With include=flow, arrows or strain.")
    attention: str | None = Field(
        None, description="With include=attention: that over the apex crop, as a PNG data URI."
    )
    crops: CropsBody | None = Field(None, description="With include=crops.")
    motion: MotionBody | None = Field(None, description="With include=motion, for clips.")
    signals: SignalsBody | None = Field(
        None, description="With include=signals, for pictures and clips with face=auto."
    )
    arrays: ArraysBody | None = Field(None, description="With include=arrays.")
    report: str | None = Field(
        None, description="With include=report: all of this on one page, as a PNG data URI."
    )
    alternatives: list[AlternativeBody] | None = Field(
        None, description="Other pairs of onset and apex of a clip, the likeliest first, if any."
    )
    faces: list[PredictionBody] | None = Field(
        None,
        description="With faces=all: the prediction for each face that could be analysed, the "
        "largest first; the first one is repeated here without this list.",
    )

    @classmethod
    def of(cls, prediction: types.Prediction, included: Mapping[str, object]) -> Self:
        """Create the body with a new identifier.

        Args:
            prediction: The prediction.
            included: The optional fields that the request includes.
        """
        fields: dict[str, object] = {
            "id": ulid(),
            "model": ModelNameBody(name=prediction.model.name, version=prediction.model.version),
            **_answer_fields(prediction),
            "classified": moment_body(prediction.classified),
            "face": prediction.face and FaceBody.of(prediction.face),
            "quality": QualityBody(
                motion_px=round(prediction.quality.motion_px, 4),
                head_motion_px=round(prediction.quality.head_motion_px, 4),
                warnings=list(prediction.quality.warnings),
            ),
            "timings_ms": {stage: round(ms, 3) for stage, ms in prediction.timings_ms.items()},
            **included,
        }
        if prediction.alternatives:
            fields["alternatives"] = list(map(AlternativeBody.of, prediction.alternatives))
        return cls.model_validate(fields)


def _answer_fields(answer: types.Prediction | types.Alternative) -> dict[str, object]:
    return {
        "label": answer.label,
        "reason": answer.reason,
        "probabilities": answer.probabilities,
        "expression_probability": round(answer.expression_probability, 4),
        "onset": moment_body(answer.onset),
        "apex": moment_body(answer.apex),
    }


def moment_body(moment: types.Moment) -> MomentBody:
    """Create the body from the position of a frame."""
    return MomentBody(index=moment.index, time_s=round(moment.time_s, 6))


def _rounded(numbers: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(number, 2) for number in numbers)
