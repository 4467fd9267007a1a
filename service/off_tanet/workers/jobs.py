"""The jobs of the workers: the parameters of requests, apart from their uploads.

What a job does is in `handlers`, which only workers import: it loads ONNX Runtime and OpenCV, which
would cost the server process a third of a second at its start and 70 MB.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import msgspec

from off_tanet.schemas.options import Query
from off_tanet.workers.answer_types import Answer, InferenceAnswer
from off_tanet.workers.messages import Failure, Job, Report

if TYPE_CHECKING:
    from off_tanet.recognition.recognizer import Recognizer


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
        from off_tanet.workers import handlers

        return handlers.frames(recognizer, report, body, self.boundary, self.query)


class ClipJob(FormJob, frozen=True):
    """Classify the expression in the clip of a form."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        """Classify the clip."""
        from off_tanet.workers import handlers

        return handlers.clip(recognizer, report, body, self.boundary, self.query)


class VideoJob(FormJob, frozen=True):
    """Find every expression of the video of a form; each is a partial result."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        """Find the expressions of the video."""
        from off_tanet.workers import handlers

        return handlers.video(recognizer, report, body, self.boundary, self.query)


class LiveJob(Job[Answer], frozen=True):
    """Find every expression of a live stream, whose frames are pieces.

    Each frame is a partial result, and each expression.

    Attributes:
        options: The options of the stream.
    """

    options: Query = msgspec.field(default_factory=dict)

    def __call__(self, recognizer: Recognizer, report: Report, _body: bytes, /) -> Answer:
        """Find the expressions of the stream."""
        from off_tanet.workers import handlers

        return handlers.live(recognizer, report, self.options)


class JsonJob(Job[Answer], frozen=True):
    """Classify the pictures or the clip of a JSON body.

    The body is parsed in the worker: megabytes of base64 take a third of a second, during which the
    server process would be blocked.
    """

    query: Query = msgspec.field(default_factory=dict)

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> Answer:
        """Classify the pictures or the clip."""
        from off_tanet.workers import handlers

        return handlers.pictures_or_clip(recognizer, report, body, self.query)


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
        from off_tanet.workers import handlers

        (answer,) = handlers.infer(recognizer, [(self.header_length, body)])
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
        self, recognizer: Recognizer, _report: Report, body: bytes, /
    ) -> tuple[InferenceAnswer | Failure, ...]:
        """Classify all flow fields; if a request is invalid, one request after the other."""
        from off_tanet.workers import handlers

        ends = list(accumulate(self.sizes, initial=0))
        bodies = [body[start:end] for start, end in pairwise(ends)]
        lengths = [job.header_length for job in self.jobs]
        return handlers.infer_each(recognizer, list(zip(lengths, bodies, strict=True)))


JOBS = (FramesJob, ClipJob, VideoJob, JsonJob, InferenceJob, InferenceBatch)
"""All jobs of the API, except for live streams."""


def warm_up(recognizer: Recognizer) -> None:
    """Warm up a Recognizer and what the jobs need besides it.

    Raises:
        OffTanetError: The installation does not work.
    """
    from off_tanet.workers import handlers

    handlers.warm_up(recognizer)
