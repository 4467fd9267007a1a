"""The requests a worker can carry out: plain values that travel to it, and the answer back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from pydantic import BaseModel

from service.api import tensors
from service.api.schemas import (
    ArraysBody,
    ClipInput,
    CropsBody,
    Included,
    MotionBody,
    PredictionBody,
    PredictionRequest,
)
from service.api.spottings import MacroBody, MicroBody, SpottingBody
from service.recognition import drawing
from service.recognition.classifier import Classification
from service.recognition.errors import InferenceRequestError
from service.recognition.recognizer import FaceMode, Recognizer
from service.recognition.stopwatch import Stopwatch
from service.recognition.types import Expression, ModelName, Motion, Prediction, Progress
from service.worker import Part, Report


class Timed(Protocol):
    """What every job answers with, whatever else."""

    @property
    def stages_ms(self) -> Mapping[str, float]:
        """Milliseconds of each stage, in their order, and `total`."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction as JSON, and the milliseconds of its stages.

    It is written here because the process that answers everybody should only pass it on: a
    prediction with its flow and its crops is a hundred times as long.
    """

    json: bytes = field(repr=False)
    stages_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class InferenceAnswer:
    """An answer of the Open Inference Protocol, and the milliseconds of each stage."""

    reply: tensors.Reply
    stages_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FramesJob:
    """Recognise an onset-apex pair of encoded pictures."""

    onset: bytes = field(repr=False)
    apex: bytes = field(repr=False)
    face: FaceMode = "auto"
    include: frozenset[Included] = frozenset()

    def __call__(self, recognizer: Recognizer, progress: Progress) -> Answer:
        progress("recognition", 0, 1)
        prediction = recognizer.frames(self.onset, self.apex, face=self.face)
        return _answer(prediction, self.include)


@dataclass(frozen=True, slots=True)
class ClipJob:
    """Recognise the expression of one encoded clip."""

    video: bytes = field(repr=False)
    onset_index: int | None = None
    apex_index: int | None = None
    face: FaceMode = "auto"
    include: frozenset[Included] = frozenset()

    def __call__(self, recognizer: Recognizer, progress: Progress) -> Answer:
        prediction = recognizer.clip(
            self.video,
            onset_index=self.onset_index,
            apex_index=self.apex_index,
            face=self.face,
            progress=progress,
        )
        return _answer(prediction, self.include)


@dataclass(frozen=True, slots=True)
class JsonJob:
    """Recognise what a JSON body asks for.

    The body is parsed here and not before: megabytes of base64 are a third of a second of work, in
    which the process that answers everybody would answer nobody.
    """

    body: bytes = field(repr=False)
    face: FaceMode = "auto"
    include: frozenset[Included] = frozenset()

    def __call__(self, recognizer: Recognizer, progress: Progress) -> Answer:
        given = PredictionRequest.parse(self.body).input
        job: FramesJob | ClipJob
        if isinstance(given, ClipInput):
            indices = given.onset_index, given.apex_index
            job = ClipJob(given.video, *indices, self.face, self.include)
        else:
            job = FramesJob(given.onset, given.apex, self.face, self.include)
        return job(recognizer, progress)


@dataclass(frozen=True, slots=True)
class InferenceJob:
    """Classify the flows of an Open Inference Protocol request.

    As with JsonJob, the body is parsed here: 64 flows in JSON are a quarter of a second of work.
    """

    body: bytes = field(repr=False)
    header_length: str | None

    def __call__(self, recognizer: Recognizer, progress: Progress) -> InferenceAnswer:
        watch = Stopwatch()
        with watch.stage("decode"):
            request = tensors.parse(self.body, self.header_length, recognizer.max_batch)
        progress("inference", 0, 1)
        with watch.stage("inference"):
            answers = _classified(recognizer, request.flows)
        outputs = {
            "probabilities": np.array([answer.probabilities for answer in answers], np.float32),
            "attention": np.array([answer.attention for answer in answers], np.float32),
        }
        model = ModelName(recognizer.card.name, recognizer.card.version)
        reply = tensors.reply(request, model, outputs)
        return InferenceAnswer(reply, watch.milliseconds())


@dataclass(frozen=True, slots=True)
class VideoJob:
    """Find and recognise every expression of one encoded video; each is told as it is found."""

    video: bytes = field(repr=False)
    face: FaceMode = "auto"
    include: frozenset[Included] = frozenset()

    def __call__(self, recognizer: Recognizer, report: Report) -> Answer:
        bodies: list[MicroBody | MacroBody] = []

        def found(expression: Expression) -> None:
            bodies.append(self._body(expression))
            report.part(Part("expression", _json(bodies[-1])))

        spotting = recognizer.video(self.video, face=self.face, progress=report, found=found)
        return Answer(_json(SpottingBody.of(spotting, bodies)), spotting.timings_ms)

    def _body(self, expression: Expression) -> MicroBody | MacroBody:
        made = expression.prediction
        if made is None:
            return MacroBody.of(expression)
        return MicroBody.of_expression(expression, made, _draw(made, self.include))


def _classified(recognizer: Recognizer, flows: tensors.Floats) -> list[Classification]:
    try:
        return recognizer.classify(flows)
    except ValueError as error:
        raise InferenceRequestError(f"The {error}.") from None


def _answer(prediction: Prediction, include: frozenset[Included]) -> Answer:
    body = PredictionBody.of(prediction, _draw(prediction, include))
    return Answer(_json(body), prediction.timings_ms)


def _json(body: BaseModel) -> bytes:
    return body.model_dump_json(exclude_unset=True).encode()


def _draw(made: Prediction, include: frozenset[Included]) -> dict[str, object]:
    """The fields of a prediction's body that hold what was asked for."""
    onset, apex, uri = made.onset_crop, made.apex_crop, drawing.data_uri
    ways: dict[Included, Callable[[], object]] = {
        "flow": lambda: uri(drawing.flow_png(made.flow)),
        "arrows": lambda: uri(drawing.arrows_png(made.flow, onset)),
        "strain": lambda: uri(drawing.strain_png(made.flow)),
        "attention": lambda: uri(drawing.attention_png(made.attention, apex)),
        "crops": lambda: CropsBody(
            onset=uri(drawing.crop_png(onset)), apex=uri(drawing.crop_png(apex))
        ),
        "arrays": lambda: ArraysBody.of(made.flow, made.attention),
        "report": lambda: uri(drawing.report_png(made)),
    }
    if (motion := made.motion) is not None:
        ways["motion"] = lambda: _curve(motion, made.onset.index, made.apex.index)
    return {name: draw() for name, draw in ways.items() if name in include}


def _curve(motion: Motion, onset: int, apex: int) -> MotionBody:
    picture = drawing.motion_png(motion, onset, apex, motion.offset(apex))
    return MotionBody.of(motion, apex, drawing.data_uri(picture))
