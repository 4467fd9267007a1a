"""Answers as JSON: what the Recognizer finds, written as the API gives it.

They are written where the work is done, because the process that answers everybody should only pass
them on: a prediction with its flow and its crops is a hundred times as long as one without.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import msgspec
from pydantic import BaseModel

from off_tanet import visualization
from off_tanet.configuration import SAMPLES
from off_tanet.errors import LimitExceededError
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.schemas.prediction import ArraysBody, CropsBody, Included, MotionBody, PredictionBody
from off_tanet.schemas.spotting import MacroBody, MicroBody, SpottingBody
from off_tanet.types import Expression, FaceMode, Motion, Prediction, Progress
from off_tanet.workers.messages import StagesMs


class Answer(msgspec.Struct, frozen=True):
    """A prediction or spotting as JSON, and the milliseconds of its stages."""

    json: bytes
    stages_ms: StagesMs


def warm_up(recognizer: Recognizer) -> None:
    """Answer once as a request would be, so that the first client does not pay for it.

    Raises what a recognition raises where this installation does not work.
    """
    recognizer.warm_up()
    onset, apex = ((SAMPLES / f"surprise_{name}.jpg").read_bytes() for name in ("onset", "apex"))
    with suppress(LimitExceededError):  # a service may be set to take only smaller pictures
        frames_answer(recognizer, onset, apex)


def frames_answer(
    recognizer: Recognizer,
    onset: bytes,
    apex: bytes,
    face: FaceMode = "auto",
    include: frozenset[Included] = frozenset(),
) -> Answer:
    """The expression between two encoded pictures. Raises like `Recognizer.frames`."""
    return _answer(recognizer.frames(onset, apex, face=face), include)


def clip_answer(
    recognizer: Recognizer,
    video: bytes,
    face: FaceMode = "auto",
    include: frozenset[Included] = frozenset(),
    *,
    onset_index: int | None = None,
    apex_index: int | None = None,
    progress: Progress | None = None,
) -> Answer:
    """The expression of one encoded clip. Raises like `Recognizer.clip`."""
    prediction = recognizer.clip(
        video, onset_index=onset_index, apex_index=apex_index, face=face, progress=progress
    )
    return _answer(prediction, include)


def video_answer(
    recognizer: Recognizer,
    video: bytes,
    face: FaceMode = "auto",
    include: frozenset[Included] = frozenset(),
    *,
    progress: Progress | None = None,
    on_expression: Callable[[bytes], None] = lambda _: None,
) -> Answer:
    """Every expression of one encoded video.

    `on_expression` is called with each as JSON, as soon as it is sure. Raises like
    `Recognizer.video`.
    """
    bodies: list[MicroBody | MacroBody] = []

    def note(expression: Expression) -> None:
        bodies.append(_expression(expression, include))
        on_expression(_json(bodies[-1]))

    spotting = recognizer.video(video, face=face, progress=progress, on_expression=note)
    return Answer(_json(SpottingBody.of(spotting, bodies)), spotting.timings_ms)


def _expression(expression: Expression, include: frozenset[Included]) -> MicroBody | MacroBody:
    made = expression.prediction
    if made is None:
        return MacroBody.of(expression)
    return MicroBody.of_expression(expression, made, _draw(made, include))


def _answer(prediction: Prediction, include: frozenset[Included]) -> Answer:
    body = PredictionBody.of(prediction, _draw(prediction, include))
    return Answer(_json(body), prediction.timings_ms)


def _json(body: BaseModel) -> bytes:
    return body.model_dump_json(exclude_unset=True).encode()


def _draw(made: Prediction, include: frozenset[Included]) -> dict[str, object]:
    """The fields of a prediction's body that hold what was asked for."""
    onset, apex, uri = made.onset_crop, made.apex_crop, visualization.data_uri
    ways: dict[Included, Callable[[], object]] = {
        "flow": lambda: uri(visualization.flow_png(made.flow)),
        "arrows": lambda: uri(visualization.arrows_png(made.flow, onset)),
        "strain": lambda: uri(visualization.strain_png(made.flow)),
        "attention": lambda: uri(visualization.attention_png(made.attention, apex)),
        "crops": lambda: CropsBody(
            onset=uri(visualization.crop_png(onset)), apex=uri(visualization.crop_png(apex))
        ),
        "arrays": lambda: ArraysBody.of(made.flow, made.attention),
        "report": lambda: uri(visualization.report_png(made)),
    }
    if (motion := made.motion) is not None:
        ways["motion"] = lambda: _curve(motion, made.onset.index, made.apex.index)
    return {name: draw() for name, draw in ways.items() if name in include}


def _curve(motion: Motion, onset: int, apex: int) -> MotionBody:
    picture = visualization.motion_png(motion, onset, apex, motion.offset(apex))
    return MotionBody.of(motion, apex, visualization.data_uri(picture))
