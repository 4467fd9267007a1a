"""The whole way in one process: bytes in, Prediction out. No HTTP here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.recognition import face as faces
from service.recognition import flow, media, motion, quality, spotting
from service.recognition.classifier import Classification, Classifier, ModelCard
from service.recognition.errors import (
    FrameIndexError,
    FrameOrderError,
    FrameSizesError,
    NoFaceError,
)
from service.recognition.stopwatch import Stopwatch
from service.recognition.types import (
    CROP_SIZE,
    Crop,
    Face,
    Frame,
    ModelName,
    Moment,
    Motion,
    Pixels,
    Prediction,
    Progress,
    Quality,
)

ASSETS = Path(__file__).parents[1] / "assets"

FaceMode = Literal["auto", "none"]
"""`auto` finds the face; `none` takes the frames for tight face crops."""

_CLASSIFIED_AT_ONCE = 8  # the runtime keeps the memory of its largest batch


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a Recognizer is made of; plain values, so that it travels to a worker process."""

    model: Path = ASSETS / "off_tanet.onnx"
    detector: Path = ASSETS
    media: media.MediaLimits = field(default_factory=media.MediaLimits)
    thresholds: quality.Thresholds = field(default_factory=quality.Thresholds)
    batch: int = 64  # flows that one request may bring


class Recognizer:
    """Walks media -> face -> spotting -> flow -> classifier. One request at a time."""

    def __init__(self, configuration: Configuration | None = None) -> None:
        """Load the model and the detector. Raises ModelError."""
        self._configuration = configuration or Configuration()
        self._classifier = Classifier(self._configuration.model)
        self._detector = faces.FaceDetector(self._configuration.detector)

    @property
    def card(self) -> ModelCard:
        return self._classifier.card

    @property
    def max_batch(self) -> int:
        """Flows that one request may bring."""
        return self._configuration.batch

    def warm_up(self) -> None:
        """Run every stage once, so that the first request is as fast as the rest."""
        self._detector.detect(np.zeros((480, 640, 3), np.uint8))
        still = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
        self._classifier.classify(flow.tvl1(still, still))

    def frames(self, onset: bytes, apex: bytes, *, face: FaceMode = "auto") -> Prediction:
        """Recognise the expression between two pictures.

        Raises MediaError for pictures that cannot be used and NoFaceError.
        """
        watch = Stopwatch()
        with watch.stage("decode"):
            pair = [media.decode_image(data, self._configuration.media) for data in (onset, apex)]
        if pair[0].shape != pair[1].shape:
            raise FrameSizesError(
                f"The onset is {_size(pair[0])}, the apex {_size(pair[1])} pixels; "
                "they must be of one size."
            )
        with watch.stage("face"):
            found, crops = self._crops(pair, face)
        frames = [Frame(pixels, index) for index, pixels in enumerate(pair)]
        return self._predict(frames, crops, 0, 1, found, watch)

    def clip(
        self,
        video: bytes,
        *,
        onset_index: int | None = None,
        apex_index: int | None = None,
        face: FaceMode = "auto",
        progress: Progress | None = None,
    ) -> Prediction:
        """Recognise the expression of one clip; what is not given is found.

        The onset is the first frame unless given. Raises MediaError, NoFaceError,
        FrameOrderError and FrameIndexError.
        """
        watch = Stopwatch()
        with watch.stage("decode"):
            frames = media.decode_clip(video, self._configuration.media, progress).frames
        onset = _checked_onset(onset_index, apex_index, len(frames))
        with watch.stage("face"):
            found, crops = self._crops([frame.pixels for frame in frames], face, onset)
        with watch.stage("spotting"):
            spotted = spotting.spot_apex(crops, onset, progress)
        apex = spotted.apex if apex_index is None else apex_index
        curve = Motion(
            spotted.strength_px, np.array([frame.time_s for frame in frames], np.float32)
        )
        weak = spotted.weak and apex_index is None
        return self._predict(frames, crops, onset, apex, found, watch, curve, weak)

    def classify(self, flows: NDArray[np.float32]) -> list[Classification]:
        """Classify flows [N, 2, 112, 112] that were measured elsewhere: the model alone.

        Raises ValueError like `Classifier.classify_batch`.
        """
        steps = range(_CLASSIFIED_AT_ONCE, len(flows), _CLASSIFIED_AT_ONCE)
        batches = np.split(flows, steps)
        return [answer for batch in batches for answer in self._classifier.classify_batch(batch)]

    def _crops(
        self, pictures: Sequence[Pixels], mode: FaceMode, onset: int = 0
    ) -> tuple[tuple[Face, ...], list[Crop]]:
        """The faces on the onset, and every picture cropped by the largest one's transform."""
        if mode == "none":
            return (), [faces.whole(picture) for picture in pictures]
        found = self._detector.detect(pictures[onset])
        if not found:
            raise NoFaceError("No face was found on the onset frame.")
        similarity = faces.align(found[0])
        return found, [faces.crop(picture, similarity) for picture in pictures]

    def _predict(
        self,
        frames: Sequence[Frame],
        crops: Sequence[Crop],
        onset: int,
        apex: int,
        found: tuple[Face, ...],
        watch: Stopwatch,
        curve: Motion | None = None,
        weak_apex: bool = False,
    ) -> Prediction:
        pair = crops[onset], crops[apex]
        with watch.stage("flow"):
            field_ = flow.tvl1(*pair)
        with watch.stage("inference"):
            answer = self._classifier.classify(field_)
        with watch.stage("quality"):
            evidence = quality.Evidence(
                motion_px=motion.strength(field_),
                head_motion_px=motion.head_motion(field_).magnitude_px,
                faces=found,
                weak_apex=weak_apex,
                cut=spotting.is_cut(*pair),
            )
        card = self._classifier.card
        probabilities = dict(zip(card.classes, map(float, answer.probabilities), strict=True))
        return Prediction(
            model=ModelName(card.name, card.version),
            label=max(probabilities, key=probabilities.__getitem__),
            probabilities=probabilities,
            onset=Moment(frames[onset].index, frames[onset].time_s),
            apex=Moment(frames[apex].index, frames[apex].time_s),
            face=found[0] if found else None,
            quality=Quality(
                evidence.motion_px,
                evidence.head_motion_px,
                quality.warnings(evidence, self._configuration.thresholds),
            ),
            flow=field_,
            attention=answer.attention,
            onset_crop=pair[0],
            apex_crop=pair[1],
            motion=curve,
            timings_ms=watch.milliseconds(),
        )


def _checked_onset(onset: int | None, apex: int | None, count: int) -> int:
    for name, index in (("onset_index", onset), ("apex_index", apex)):
        if index is not None and not 0 <= index < count:
            raise FrameIndexError(f"{name} is {index}; the clip has frames 0 to {count - 1}.")
    onset = onset or 0
    last = count - 1 if apex is None else apex
    if onset >= last:
        raise FrameOrderError(f"The onset, frame {onset}, is not before frame {last}.")
    return onset


def _size(pixels: Pixels) -> str:
    height, width = pixels.shape[:2]
    return f"{width} x {height}"
