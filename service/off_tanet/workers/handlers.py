"""What each job of the API does in a worker: parse the body, recognise, and answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TypeAlias

import numpy as np

from off_tanet.configuration import SAMPLES
from off_tanet.errors import InferenceRequestError, LimitExceededError
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.recognition.samples import decode_samples
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.schemas import oip_codec
from off_tanet.schemas.forms import ClipForm, FramesForm, VideoForm
from off_tanet.schemas.json_requests import ClipInput, PredictionRequest
from off_tanet.schemas.live import EncodedFrame
from off_tanet.schemas.options import Options, Query, validate
from off_tanet.types import Classification, ModelName
from off_tanet.types.tensors import output_names
from off_tanet.workers.answer_types import Answer, InferenceAnswer
from off_tanet.workers.answers import clip_answer, frames_answer, live_answer, video_answer
from off_tanet.workers.messages import Failure, PartialResult, Report

FlowRequest: TypeAlias = tuple[str | None, bytes]
"""The `Inference-Header-Content-Length` and the body of an Open Inference Protocol request."""


def warm_up(recognizer: Recognizer) -> None:
    """Process one sample like a request, so that the first request is not slower than others."""
    decode_samples()
    onset, apex = ((SAMPLES / f"surprise_{name}.jpg").read_bytes() for name in ("onset", "apex"))
    try:
        frames_answer(recognizer, onset, apex)
    except LimitExceededError:  # the service is configured to accept only smaller pictures
        recognizer.warm_up()


def frames(
    recognizer: Recognizer, report: Report, body: bytes, boundary: bytes, query: Query
) -> Answer:
    """Classify the expression between the two pictures of a form."""
    form = FramesForm.parse(body, boundary, query)
    report("recognition", 0, 1)
    return frames_answer(
        recognizer, form.onset, form.apex, form.face, form.include, faces=form.faces
    )


def clip(
    recognizer: Recognizer, report: Report, body: bytes, boundary: bytes, query: Query
) -> Answer:
    """Classify the expression in the clip of a form."""
    form = ClipForm.parse(body, boundary, query)
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


def video(
    recognizer: Recognizer, report: Report, body: bytes, boundary: bytes, query: Query
) -> Answer:
    """Find every expression of the video of a form."""
    form = VideoForm.parse(body, boundary, query)
    return video_answer(
        recognizer,
        form.video,
        form.face,
        form.include,
        faces=form.faces,
        progress=report,
        on_expression=lambda json: report.partial(PartialResult("expression", json.decode())),
    )


def live(recognizer: Recognizer, report: Report, query: Query) -> Answer:
    """Find every expression of a live stream."""
    options = validate(Options, query, "data")
    return live_answer(
        recognizer,
        map(EncodedFrame.unpack, report.pieces()),
        options.face,
        options.include,
        faces=options.faces,
        on_frame=lambda json: report.partial(PartialResult("frame", json.decode())),
        on_expression=lambda json: report.partial(PartialResult("expression", json.decode())),
    )


def pictures_or_clip(recognizer: Recognizer, report: Report, body: bytes, query: Query) -> Answer:
    """Classify the pictures or the clip of a JSON body."""
    options = validate(Options, query, "query")
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


def infer_each(
    recognizer: Recognizer, requests: Sequence[FlowRequest]
) -> tuple[InferenceAnswer | Failure, ...]:
    """Answer all requests at once; if one is invalid, one request after the other."""
    try:
        return tuple(infer(recognizer, requests))
    except Exception:
        return tuple(_outcome(recognizer, request) for request in requests)


def _outcome(recognizer: Recognizer, request: FlowRequest) -> InferenceAnswer | Failure:
    try:
        (answer,) = infer(recognizer, [request])
    except Exception as error:
        return Failure.of_any(error)
    return answer


def infer(recognizer: Recognizer, requests: Sequence[FlowRequest]) -> list[InferenceAnswer]:
    """Answer requests with one run of the network, whose time each of them reports."""
    card, watch = recognizer.card, Stopwatch()
    available = output_names(card.expressive_parameters is not None)
    with watch.stage("decode"):
        parsed = [
            oip_codec.parse(body, header_length, recognizer.max_batch, available)
            for header_length, body in requests
        ]
    with watch.stage("inference"):
        fields = [request.flows for request in parsed]
        answers = iter(
            _classify(recognizer, fields[0] if len(fields) == 1 else np.concatenate(fields))
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
