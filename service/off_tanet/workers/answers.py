"""Serialization of results to the JSON of the API.

It is done in the workers, so that the server process only passes the bytes on: a prediction with
its flow and its crops is a hundred times as long as one without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydantic import BaseModel

from off_tanet import visualization
from off_tanet.face_choice import FaceChoice, FaceCount
from off_tanet.recognition.media.sources import Source
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.schemas.live import EncodedFrame, LiveFrameBody
from off_tanet.schemas.pictures import ArraysBody, CropsBody, ScalesBody
from off_tanet.schemas.prediction import Included, MotionBody, PredictionBody
from off_tanet.schemas.signals import SignalsBody
from off_tanet.schemas.spotting import ExpressionBody, SpottingBody, VideoMotionBody
from off_tanet.types import Expression, Motion, Prediction, Progress, VideoSpotting
from off_tanet.workers.answer_types import Answer

_SCALED: frozenset[Included] = frozenset({"flow", "arrows", "strain"})


def frames_answer(
    recognizer: Recognizer,
    onset: bytes,
    apex: bytes,
    face: FaceChoice = "auto",
    include: frozenset[Included] = frozenset(),
    *,
    faces: FaceCount = "one",
) -> Answer:
    """Classify the expression between two encoded pictures.

    Args:
        recognizer: The recognizer.
        onset: File content of the onset picture.
        apex: File content of the apex picture.
        face: The face to analyse.
        include: Optional contents of the answer.
        faces: Whether to analyse all faces.

    Raises:
        OffTanetError: As raised by `Recognizer.frames`.
    """
    return _answer(recognizer.frames(onset, apex, face=face, faces=faces), include)


def clip_answer(
    recognizer: Recognizer,
    video: Source,
    face: FaceChoice = "auto",
    include: frozenset[Included] = frozenset(),
    *,
    faces: FaceCount = "one",
    onset_index: int | None = None,
    apex_index: int | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Classify the expression in an encoded clip.

    Args:
        recognizer: The recognizer.
        video: File content of the clip, or its frames.
        face: The face to analyse.
        include: Optional contents of the answer.
        faces: Whether to analyse all faces.
        onset_index: Index of the onset frame; None to find it.
        apex_index: Index of the apex frame; None to find it.
        progress: Called with the progress of each stage.

    Raises:
        OffTanetError: As raised by `Recognizer.clip`.
    """
    prediction = recognizer.clip(
        video,
        onset_index=onset_index,
        apex_index=apex_index,
        face=face,
        faces=faces,
        progress=progress,
    )
    return _answer(prediction, include)


def video_answer(
    recognizer: Recognizer,
    video: Source,
    face: FaceChoice = "auto",
    include: frozenset[Included] = frozenset(),
    *,
    faces: FaceCount = "one",
    progress: Progress | None = None,
    on_expression: Callable[[bytes], None] = lambda _: None,
) -> Answer:
    """Find every expression of an encoded video.

    Args:
        recognizer: The recognizer.
        video: File content of the video, or its frames.
        face: The face to analyse.
        include: Optional contents of each prediction; signals and motion are those of the whole
            video.
        faces: Whether to analyse all faces.
        progress: Called with the progress of each stage.
        on_expression: Called with the JSON of each expression as soon as it is certain.

    Raises:
        OffTanetError: As raised by `Recognizer.video`.
    """
    found = _Expressions(include, on_expression)
    spotting = recognizer.video(
        video, face=face, faces=faces, progress=progress, on_expression=found.add
    )
    return found.answer(spotting)


def live_answer(
    recognizer: Recognizer,
    frames: Iterable[EncodedFrame],
    face: FaceChoice = "auto",
    include: frozenset[Included] = frozenset(),
    *,
    faces: FaceCount = "one",
    on_frame: Callable[[bytes], None],
    on_expression: Callable[[bytes], None],
) -> Answer:
    """Find every expression of a live stream.

    Args:
        recognizer: The recognizer.
        frames: The frames that are not left out, in the order of time.
        face: The face to analyse.
        include: As for `video_answer`.
        faces: Whether to analyse all faces.
        on_frame: Called with the JSON of what is known of each frame at once.
        on_expression: Called with the JSON of each expression as soon as it is certain.

    Raises:
        OffTanetError: As raised by `LiveRecognition`.
    """
    found = _Expressions(include, on_expression)
    live = recognizer.live(face=face, faces=faces, on_expression=found.add)
    for done, frame in enumerate(frames):
        body = LiveFrameBody.of(live.add(frame.picture, frame.moment), frame.index - done)
        on_frame(_json(body))
    return found.answer(live.finish())


class _Expressions:
    """The bodies of the expressions of a video, as they become certain."""

    def __init__(
        self, include: frozenset[Included], on_expression: Callable[[bytes], None]
    ) -> None:
        self._include, self._on_expression = include, on_expression
        self._bodies: list[ExpressionBody] = []

    def add(self, expression: Expression) -> None:
        self._bodies.append(_expression(expression, self._include))
        self._on_expression(_json(self._bodies[-1]))

    def answer(self, spotting: VideoSpotting) -> Answer:
        """Return the answer for the whole video."""
        self._bodies.sort(key=lambda body: body.offset.index)
        included: dict[str, object] = {}
        if spotting.signals is not None and "signals" in self._include:
            included["signals"] = SignalsBody.of(spotting.signals)
        if spotting.motion is not None and "motion" in self._include:
            included["motion"] = VideoMotionBody.of(spotting.motion)
        body = SpottingBody.of(spotting, self._bodies, included)
        return Answer(_json(body), spotting.timings_ms)


def _expression(expression: Expression, include: frozenset[Included]) -> ExpressionBody:
    included = _included(expression.prediction, include)
    return ExpressionBody.of_expression(expression, included)


def _answer(prediction: Prediction, include: frozenset[Included]) -> Answer:
    body = _body(prediction, include)
    if prediction.faces:
        others = (_body(face, include) for face in prediction.faces[1:])
        body = body.model_copy(update={"faces": [body, *others]})
    return Answer(_json(body), prediction.timings_ms)


def _body(prediction: Prediction, include: frozenset[Included]) -> PredictionBody:
    return PredictionBody.of(prediction, _included(prediction, include))


def _json(body: BaseModel) -> bytes:
    return body.model_dump_json(exclude_unset=True).encode()


def _included(prediction: Prediction, include: frozenset[Included]) -> dict[str, object]:
    """Create the optional fields of a prediction's body that the request includes."""
    onset, apex, uri = prediction.onset_crop, prediction.apex_crop, visualization.data_uri
    creators: dict[Included, Callable[[], object]] = {
        "flow": lambda: uri(visualization.flow_png(prediction.flow)),
        "arrows": lambda: uri(visualization.arrows_png(prediction.flow, onset)),
        "strain": lambda: uri(visualization.strain_png(prediction.flow)),
        "attention": lambda: uri(visualization.attention_png(prediction.attention, apex)),
        "crops": lambda: CropsBody(
            onset=uri(visualization.crop_png(onset)), apex=uri(visualization.crop_png(apex))
        ),
        "arrays": lambda: ArraysBody.of(prediction.flow, prediction.attention),
        "report": lambda: uri(visualization.report_png(prediction)),
    }
    if (motion := prediction.motion) is not None:
        creators["motion"] = lambda: _curve(motion, prediction.onset.index, prediction.apex.index)
    if (signals := prediction.signals) is not None:
        creators["signals"] = lambda: SignalsBody.of(signals)
    included: dict[str, object] = {
        name: create() for name, create in creators.items() if name in include
    }
    if include & _SCALED:
        flow_px, strain = visualization.scales(prediction.flow)
        included["scales"] = ScalesBody(flow_px=flow_px, strain=strain)
    return included


def _curve(motion: Motion, onset: int, apex: int) -> MotionBody:
    picture = visualization.motion_png(motion, onset, apex, motion.offset(apex))
    return MotionBody.of(motion, apex, visualization.data_uri(picture))
