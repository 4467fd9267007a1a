"""The requests that a worker can carry out: their parameters, beside what was uploaded."""

from __future__ import annotations

import msgspec
import numpy as np

from off_tanet.errors import InferenceRequestError
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.schemas import oip_codec
from off_tanet.schemas.forms import ClipForm, FramesForm, VideoForm
from off_tanet.schemas.json_requests import ClipInput, PredictionRequest
from off_tanet.schemas.options import Options, Query, parsed
from off_tanet.types import Classification, ModelName
from off_tanet.workers.answers import Answer, clip_answer, frames_answer, video_answer
from off_tanet.workers.messages import Job, PartialResult, Report, StagesMs


class InferenceAnswer(msgspec.Struct, frozen=True):
    """An answer of the Open Inference Protocol, and the milliseconds of each stage."""

    reply: oip_codec.Reply
    stages_ms: StagesMs


class FormJob(Job[Answer], frozen=True):
    """What a prediction from a form needs beside its body: the boundary, and the options."""

    boundary: bytes
    query: Query = msgspec.field(default_factory=dict)


class FramesJob(FormJob, frozen=True):
    """Recognise the onset-apex pair of a form."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        form = FramesForm.parse(body, self.boundary, self.query)
        report("recognition", 0, 1)
        return frames_answer(recognizer, form.onset, form.apex, form.face, form.include)


class ClipJob(FormJob, frozen=True):
    """Recognise the expression of a form's clip."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        form = ClipForm.parse(body, self.boundary, self.query)
        return clip_answer(
            recognizer,
            form.video,
            form.face,
            form.include,
            onset_index=form.onset_index,
            apex_index=form.apex_index,
            progress=report,
        )


class VideoJob(FormJob, frozen=True):
    """Find and recognise every expression of a form's video; each is told as it is found."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        form = VideoForm.parse(body, self.boundary, self.query)
        return video_answer(
            recognizer,
            form.video,
            form.face,
            form.include,
            progress=report,
            on_expression=lambda json: report.part(PartialResult("expression", json.decode())),
        )


class JsonJob(Job[Answer], frozen=True):
    """Recognise what a JSON body asks for.

    The body is parsed here and not before: megabytes of base64 are a third of a second of work, in
    which the process that answers everybody would answer nobody.
    """

    query: Query = msgspec.field(default_factory=dict)

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        asked = parsed(Options, self.query, "query")
        given = PredictionRequest.parse(body).input
        if isinstance(given, ClipInput):
            return clip_answer(
                recognizer,
                given.video,
                asked.face,
                asked.include,
                onset_index=given.onset_index,
                apex_index=given.apex_index,
                progress=report,
            )
        report("recognition", 0, 1)
        return frames_answer(recognizer, given.onset, given.apex, asked.face, asked.include)


class InferenceJob(Job[InferenceAnswer], frozen=True):
    """Classify the flows of an Open Inference Protocol request.

    As with JsonJob, the body is parsed here: 64 flows in JSON are a quarter of a second of work.
    """

    header_length: str | None

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> InferenceAnswer:
        watch = Stopwatch()
        with watch.stage("decode"):
            request = oip_codec.parse(body, self.header_length, recognizer.max_batch)
        report("inference", 0, 1)
        with watch.stage("inference"):
            answers = _classified(recognizer, request.flows)
        outputs = {
            "probabilities": np.array([answer.probabilities for answer in answers], np.float32),
            "attention": np.array([answer.attention for answer in answers], np.float32),
        }
        model = ModelName(recognizer.card.name, recognizer.card.version)
        reply = oip_codec.reply(request, model, outputs)
        return InferenceAnswer(reply, watch.milliseconds())


JOBS = (FramesJob, ClipJob, VideoJob, JsonJob, InferenceJob)
"""All that the API asks of its workers."""


def _classified(recognizer: Recognizer, flows: oip_codec.Floats) -> list[Classification]:
    try:
        return recognizer.classify(flows)
    except ValueError as error:
        raise InferenceRequestError(f"The {error}.") from None
