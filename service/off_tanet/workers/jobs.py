"""The jobs of the workers: the parameters of requests, apart from their uploads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, islice, pairwise

import msgspec
import numpy as np

from off_tanet.errors import InferenceRequestError
from off_tanet.recognition.classifier import output_names
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.schemas import oip_codec
from off_tanet.schemas.forms import ClipForm, FramesForm, VideoForm
from off_tanet.schemas.json_requests import ClipInput, PredictionRequest
from off_tanet.schemas.live import EncodedFrame
from off_tanet.schemas.options import Options, Query, validate
from off_tanet.types import Classification, ModelName
from off_tanet.workers.answers import (
    Answer,
    clip_answer,
    frames_answer,
    live_answer,
    video_answer,
)
from off_tanet.workers.messages import Failure, Job, PartialResult, Report, StagesMs


class InferenceAnswer(msgspec.Struct, frozen=True, tag=True):
    """The answer of an InferenceJob.

    Attributes:
        reply: The response of the Open Inference Protocol.
        stages_ms: Milliseconds per stage, and their `total`.
    """

    reply: oip_codec.Reply
    stages_ms: StagesMs


class FormJob(Job[Answer], frozen=True):
    """Base class of the jobs whose upload is a form.

    Attributes:
        boundary: The boundary of the form.
        query: The options in the query.
    """

    boundary: bytes
    query: Query = msgspec.field(default_factory=dict)


class FramesJob(FormJob, frozen=True):
    """Classify the expression between the onset and the apex picture of a form."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        """Classify the two pictures."""
        form = FramesForm.parse(body, self.boundary, self.query)
        report("recognition", 0, 1)
        return frames_answer(
            recognizer, form.onset, form.apex, form.face, form.include, faces=form.faces
        )


class ClipJob(FormJob, frozen=True):
    """Classify the expression in the clip of a form."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        """Classify the clip."""
        form = ClipForm.parse(body, self.boundary, self.query)
        return clip_answer(
            recognizer,
            form.video,
            form.face,
            form.include,
            faces=form.faces,
            onset_index=form.onset_index,
            apex_index=form.apex_index,
            progress=report,
        )


class VideoJob(FormJob, frozen=True):
    """Find every expression of the video of a form; each is a partial result."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        """Find the expressions of the video."""
        form = VideoForm.parse(body, self.boundary, self.query)
        return video_answer(
            recognizer,
            form.video,
            form.face,
            form.include,
            faces=form.faces,
            progress=report,
            on_expression=lambda json: report.partial(PartialResult("expression", json.decode())),
        )


class LiveJob(Job[Answer], frozen=True):
    """Find every expression of a live stream, whose frames are pieces.

    Each frame is a partial result, and each expression.

    Attributes:
        options: The options of the stream.
    """

    options: Query = msgspec.field(default_factory=dict)

    def __call__(self, recognizer: Recognizer, report: Report, _body: bytes, /) -> Answer:
        """Find the expressions of the stream."""
        options = validate(Options, self.options, "data")
        return live_answer(
            recognizer,
            map(EncodedFrame.unpack, report.pieces()),
            options.face,
            options.include,
            faces=options.faces,
            on_frame=lambda json: report.partial(PartialResult("frame", json.decode())),
            on_expression=lambda json: report.partial(PartialResult("expression", json.decode())),
        )


class JsonJob(Job[Answer], frozen=True):
    """Classify the pictures or the clip of a JSON body.

    The body is parsed in the worker: megabytes of base64 take a third of a second, during which the
    server process would be blocked.
    """

    query: Query = msgspec.field(default_factory=dict)

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        """Classify the pictures or the clip."""
        options = validate(Options, self.query, "query")
        media = PredictionRequest.parse(body).input
        if isinstance(media, ClipInput):
            return clip_answer(
                recognizer,
                media.video,
                options.face,
                options.include,
                faces=options.faces,
                onset_index=media.onset_index,
                apex_index=media.apex_index,
                progress=report,
            )
        report("recognition", 0, 1)
        return frames_answer(
            recognizer,
            media.onset,
            media.apex,
            options.face,
            options.include,
            faces=options.faces,
        )


class InferenceJob(Job[InferenceAnswer], frozen=True):
    """Classify the flow fields of an Open Inference Protocol request.

    As with JsonJob, the body is parsed in the worker: 64 flow fields in JSON take a twentieth of a
    second.

    Attributes:
        header_length: The value of the header `Inference-Header-Content-Length`.
    """

    header_length: str | None

    def __call__(self, recognizer: Recognizer, _report: Report, body: bytes, /) -> InferenceAnswer:
        """Classify the flow fields."""
        (answer,) = _infer(recognizer, [(self, body)])
        return answer


class InferenceBatch(Job[tuple[InferenceAnswer | Failure, ...]], frozen=True):
    """Classify the flow fields of several requests in one run of the network.

    The answers are in the order of the jobs.

    Attributes:
        jobs: The jobs.
        sizes: Bytes of the body of each job. The bodies follow each other.
    """

    jobs: list[InferenceJob]
    sizes: list[int]

    def __call__(
        self, recognizer: Recognizer, report: Report, body: bytes, /
    ) -> tuple[InferenceAnswer | Failure, ...]:
        """Classify all flow fields; if a request is invalid, one request after the other."""
        ends = list(accumulate(self.sizes, initial=0))
        bodies = [body[start:end] for start, end in pairwise(ends)]
        requests = list(zip(self.jobs, bodies, strict=True))
        try:
            return tuple(_infer(recognizer, requests))
        except Exception:
            return tuple(_outcome(job, recognizer, report, each) for job, each in requests)


JOBS = (FramesJob, ClipJob, VideoJob, JsonJob, InferenceJob, InferenceBatch)
"""All jobs of the API, except for live streams."""


def _outcome(
    job: InferenceJob, recognizer: Recognizer, report: Report, body: bytes
) -> InferenceAnswer | Failure:
    try:
        return job(recognizer, report, body)
    except Exception as error:
        return Failure.of_any(error)


def _infer(
    recognizer: Recognizer, requests: Sequence[tuple[InferenceJob, bytes]]
) -> list[InferenceAnswer]:
    """Answer requests with one run of the network, whose time each of them reports."""
    card, watch = recognizer.card, Stopwatch()
    available = output_names(card.expressive_parameters is not None)
    with watch.stage("decode"):
        parsed = [
            oip_codec.parse(body, job.header_length, recognizer.max_batch, available)
            for job, body in requests
        ]
    with watch.stage("inference"):
        flows = [request.flows for request in parsed]
        answers = iter(
            _classify(recognizer, flows[0] if len(flows) == 1 else np.concatenate(flows))
        )
    replies = []
    for request in parsed:
        own = list(islice(answers, len(request.flows)))
        outputs = {
            name: np.array([getattr(answer, name) for answer in own], np.float32)
            for name in available
        }
        replies.append(oip_codec.reply(request, ModelName(card.name, card.version), outputs))
    stages_ms = watch.milliseconds()
    return [InferenceAnswer(reply, stages_ms) for reply in replies]


def _classify(recognizer: Recognizer, flows: oip_codec.Floats) -> list[Classification]:
    try:
        return recognizer.classify(flows)
    except ValueError as error:
        raise InferenceRequestError(f"The {error}.") from None
