"""Parsers of the service's JSON, which return the types of `off_tanet.types`."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from off_tanet.client.png import decode_grey
from off_tanet.schemas.model import ModelBody
from off_tanet.schemas.prediction import (
    AlternativeBody,
    FaceBody,
    MomentBody,
    MotionBody,
    PredictionBody,
)
from off_tanet.schemas.signals import SignalsBody
from off_tanet.schemas.spotting import EventBody, ExpressionBody, SpottingBody, VideoMotionBody
from off_tanet.types import (
    CROP_SIZE,
    Alternative,
    Crop,
    Event,
    Expression,
    Face,
    Landmarks,
    ModelCard,
    ModelName,
    Moment,
    Motion,
    Prediction,
    Quality,
    Signals,
    VideoSpotting,
)

ATTENTION_SIZE = 14


def prediction(json: str | bytes) -> Prediction:
    """Parse a prediction requested with `include=arrays,crops`, and with `motion` for clips.

    Raises:
        pydantic.ValidationError: The JSON does not match the schema.
        ValueError: It holds no arrays and crops.
    """
    return _prediction(PredictionBody.model_validate_json(json))


def expression(json: str | bytes) -> Expression:
    """Parse the data of an `expression` event."""
    return _expression(ExpressionBody.model_validate_json(json))


def spotting(json: str | bytes) -> VideoSpotting:
    """Parse the response for a long video."""
    body = SpottingBody.model_validate_json(json)
    return VideoSpotting(
        model=ModelName(body.model.name, body.model.version),
        expressions=tuple(_expression(expression) for expression in body.expressions),
        frames=body.video.frames,
        frames_with_face=body.video.frames_with_face,
        seconds=body.video.seconds,
        events=tuple(map(_event, body.events)),
        judged_s=body.video.judged_s,
        unjudged_s=dict(body.video.unjudged_s.items()),
        time_uncertainty_s=body.video.time_uncertainty_s,
        warnings=tuple(body.warnings),
        signals=None if body.signals is None else _signals(body.signals),
        motion=None if body.motion is None else _video_motion(body.motion),
        timings_ms=body.timings_ms,
    )


def card(json: str | bytes) -> ModelCard:
    """Parse the response of `GET /v1/model`."""
    body = ModelBody.model_validate_json(json)
    return ModelCard(
        name=body.name,
        version=body.version,
        classes=tuple(body.classes),
        input=body.input,
        parameters=body.parameters,
        licence=body.licence,
        training_data=body.training_data,
        training=body.training,
        limits=body.limits,
        responsible_use=body.responsible_use,
        scores=body.scores,
        preprocessing=body.preprocessing,
        expressive_parameters=body.expressive_parameters,
    )


def _prediction(body: PredictionBody) -> Prediction:
    if body.arrays is None or body.crops is None:
        raise ValueError("the response holds no arrays and crops")
    return Prediction(
        model=ModelName(body.model.name, body.model.version),
        label=body.label,
        reason=body.reason,
        probabilities=body.probabilities,
        expression_probability=body.expression_probability,
        onset=_moment(body.onset),
        apex=_moment(body.apex),
        classified=_moment(body.classified),
        face=None if body.face is None else _face(body.face),
        quality=Quality(
            body.quality.motion_px, body.quality.head_motion_px, tuple(body.quality.warnings)
        ),
        flow=_array(body.arrays.flow, 2, CROP_SIZE, CROP_SIZE),
        attention=_array(body.arrays.attention, ATTENTION_SIZE, ATTENTION_SIZE),
        onset_crop=_crop(body.crops.onset),
        apex_crop=_crop(body.crops.apex),
        motion=None if body.motion is None else _motion(body.motion),
        signals=None if body.signals is None else _signals(body.signals),
        timings_ms=body.timings_ms,
        alternatives=tuple(map(_alternative, body.alternatives or ())),
        faces=tuple(map(_prediction, body.faces or ())),
    )


def _alternative(body: AlternativeBody) -> Alternative:
    return Alternative(
        onset=_moment(body.onset),
        apex=_moment(body.apex),
        label=body.label,
        reason=body.reason,
        probabilities=body.probabilities,
        expression_probability=body.expression_probability,
    )


def _expression(body: ExpressionBody) -> Expression:
    return Expression(
        kind=body.kind,
        onset=_moment(body.onset),
        apex=_moment(body.apex),
        offset=_moment(body.offset),
        strength_px=body.strength_px,
        confidence=body.confidence,
        prediction=_prediction(body),
        face_index=body.face_index,
    )


def _event(body: EventBody) -> Event:
    return Event(
        kind=body.kind,
        start=_moment(body.start),
        end=_moment(body.end),
        strength=body.strength,
        face_index=body.face_index,
    )


def _moment(body: MomentBody) -> Moment:
    return Moment(body.index, body.time_s)


def _face(body: FaceBody) -> Face:
    return Face(body.box, body.score, Landmarks(**body.landmarks.model_dump()))


def _motion(body: MotionBody) -> Motion:
    return Motion(
        np.array(body.strength_px, np.float32), np.array(body.times_s, np.float32), body.scene_end
    )


def _video_motion(body: VideoMotionBody) -> Motion:
    return Motion(np.array(body.strength_px, np.float32), np.array(body.times_s, np.float32))


def _signals(body: SignalsBody) -> Signals:
    values = body.model_dump()
    times_s = np.array(values.pop("time_s"), np.float64)
    return Signals(times_s, **{name: np.array(row, np.float32) for name, row in values.items()})


def _array(text: str, *shape: int) -> NDArray[np.float32]:
    values = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
    return values.reshape(shape).astype(np.float32)


def _crop(uri: str) -> Crop:
    return decode_grey(base64.b64decode(uri.partition(",")[2], validate=True), CROP_SIZE)
