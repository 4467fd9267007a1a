"""Recognition and spotting in one process: bytes in, `Prediction` or `VideoSpotting` out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from off_tanet.configuration import SAMPLES, Configuration
from off_tanet.errors import FrameSizesError, InstallationError, NoFaceError
from off_tanet.limits import MediaLimits
from off_tanet.recognition import quality
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.tracking import FaceTracker, PreCroppedTracker, Tracker
from off_tanet.recognition.flow import light
from off_tanet.recognition.media import images
from off_tanet.recognition.media.video import open_clip, open_video
from off_tanet.recognition.pair import CropPair, PairRecognizer, crop_pair, spot_pair
from off_tanet.recognition.spotting.video import SpottedExpression, VideoSpotter
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.recognition.stream import spot_video, track_clip
from off_tanet.types import (
    CROP_SIZE,
    Classification,
    Expression,
    ExpressionCallback,
    FaceMode,
    ModelCard,
    ModelName,
    Pixels,
    Prediction,
    Progress,
    VideoSpotting,
)

_BATCH_SIZE = 8  # ONNX Runtime keeps the memory of its largest batch


class Recognizer:
    """Recognises micro-expressions in pairs of images, clips and long videos.

    An instance handles one request at a time.

    Args:
        configuration: The model, the detector, limits and thresholds; by default those of the
            package.

    Raises:
        ModelError: If the model or the detector is missing or cannot be run.
    """

    def __init__(self, configuration: Configuration | None = None) -> None:
        self._configuration = configuration or Configuration()
        self._classifier = Classifier(self._configuration.model)
        self._detector = FaceDetector(self._configuration.detector)
        self._pairs = PairRecognizer(self._classifier, self._configuration.thresholds)

    @property
    def card(self) -> ModelCard:
        """The description of the model."""
        return self._classifier.card

    @property
    def limits(self) -> MediaLimits:
        """The limits of an upload."""
        return self._configuration.media

    @property
    def max_batch(self) -> int:
        """The largest number of flows of one request."""
        return self._configuration.batch

    def warm_up(self) -> None:
        """Run every stage once, so that the first request is as fast as later ones.

        Raises:
            InstallationError: If the samples of the package cannot be decoded.
        """
        _decode_samples()
        self._detector.detect(np.zeros((480, 640, 3), np.uint8))
        still = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
        self._classifier.classify(light.matched(still, still).flow())

    def frames(self, onset: bytes, apex: bytes, *, face: FaceMode = "auto") -> Prediction:
        """Recognise the expression between two images.

        Args:
            onset: The encoded image at the onset.
            apex: The encoded image at the apex, of the same size in pixels.
            face: `auto` detects the face on the onset; `none` takes both images for face crops.

        Returns:
            The prediction, without a motion curve.

        Raises:
            MediaError: If an image cannot be decoded or exceeds a limit, or the sizes differ.
            NoFaceError: If the onset shows no face.
        """
        stopwatch = Stopwatch()
        with stopwatch.stage("decode"):
            pictures = images.decode_pair(onset, apex, self._configuration.media)
        first, second = (picture.pixels for picture in pictures)
        if first.shape != second.shape:
            raise FrameSizesError(
                f"The onset is {_size(first)}, the apex {_size(second)} pixels; "
                "they must be of one size."
            )
        with stopwatch.stage("face"):
            pair = crop_pair(first, second, self._detector if face == "auto" else None)
        if any(picture.damaged for picture in pictures):
            pair = replace(pair, warnings=pair.warnings | {"damaged_image"})
        return self._pairs.predict(pair, stopwatch)

    def clip(
        self,
        video: bytes,
        *,
        onset_index: int | None = None,
        apex_index: int | None = None,
        face: FaceMode = "auto",
        progress: Progress | None = None,
    ) -> Prediction:
        """Recognise the expression of a short clip.

        Onset and apex are found unless they are given, in the longest scene that shows a face.
        Frames are processed as they are decoded, and only crops are kept.

        Args:
            video: The encoded clip.
            onset_index: The index of the onset frame, if known.
            apex_index: The index of the apex frame, if known.
            face: `auto` tracks the largest face; `none` takes the frames for face crops.
            progress: Called for every frame in the stages `decode` and `spotting`.

        Returns:
            The prediction, with the motion curve.

        Raises:
            MediaError: If the clip cannot be decoded or exceeds a limit.
            NoFaceError: If the clip or a given frame shows no face.
            FrameOrderError: If the onset is not before the apex.
            FrameIndexError: If the clip has no frame of a given index.
        """
        stopwatch = Stopwatch()
        with stopwatch.stage("decode"):
            stream = open_clip(video, self._configuration.media)
        clip = track_clip(stream, self._tracker(face), stopwatch, progress)
        with stopwatch.stage("spotting"):
            pair, motion = spot_pair(clip, onset_index, apex_index, progress)
        return self._pairs.predict(pair, stopwatch, motion)

    def video(
        self,
        video: bytes,
        *,
        face: FaceMode = "auto",
        progress: Progress | None = None,
        on_expression: ExpressionCallback | None = None,
    ) -> VideoSpotting:
        """Spot the expressions of a long video, and recognise the micro-expressions among them.

        Frames are processed as they are decoded, and crops of 25 s at most are kept.

        Args:
            video: The encoded video.
            face: `auto` tracks the largest face; `none` takes the frames for face crops.
            progress: Called for every second of video in the stage `spotting`.
            on_expression: Called with each expression, 4 to 20 s of video after its offset.

        Returns:
            All expressions, in the order of time.

        Raises:
            MediaError: If the video cannot be decoded or exceeds a limit.
            NoFaceError: If the video shows no face.
        """
        stopwatch = Stopwatch()
        with stopwatch.stage("decode"):
            stream = open_video(video, self._configuration.media)
        spotter = VideoSpotter(self._configuration.durations)
        expressions: list[Expression] = []
        for spotted in spot_video(stream, self._tracker(face), spotter, stopwatch, progress):
            expressions.append(self._recognise(spotted))
            if on_expression:
                on_expression(expressions[-1])
        if not spotter.frames_with_face:
            raise NoFaceError("No face was found in the video.")
        damage = {"damaged_video"} if stream.damaged else set()
        return self._summarise(spotter, expressions, spotter.warnings | damage, stopwatch)

    def classify(self, flows: NDArray[np.float32]) -> list[Classification]:
        """Classify flows that were computed elsewhere.

        Args:
            flows: Flows from onset to apex, float32 [N, 2, 112, 112], N >= 1, in pixels.

        Returns:
            N classifications, in the order of the flows.

        Raises:
            ValueError: If the flows have another shape or dtype, or values that are not finite or
                too large.
        """
        batches = np.split(flows, range(_BATCH_SIZE, len(flows), _BATCH_SIZE))
        return [result for batch in batches for result in self._classifier.classify_batch(batch)]

    def _tracker(self, mode: FaceMode) -> Tracker:
        return PreCroppedTracker() if mode == "none" else FaceTracker(self._detector)

    def _summarise(
        self,
        spotter: VideoSpotter,
        expressions: Sequence[Expression],
        warnings: Collection[str],
        stopwatch: Stopwatch,
    ) -> VideoSpotting:
        return VideoSpotting(
            model=ModelName(self.card.name, self.card.version),
            expressions=tuple(expressions),
            frames=spotter.frames,
            frames_with_face=spotter.frames_with_face,
            seconds=spotter.seconds,
            warnings=quality.sort_warnings(warnings),
            timings_ms=stopwatch.milliseconds(),
        )

    def _recognise(self, spotted: SpottedExpression) -> Expression:
        interval = spotted.interval
        prediction = None
        if interval.kind == "micro":
            crops = interval.onset_crop, interval.apex_crop
            pair = CropPair(interval.onset, interval.apex, crops, spotted.faces, spotted.warnings)
            prediction = self._pairs.predict(pair, Stopwatch())
        return Expression(
            kind=interval.kind,
            onset=interval.onset,
            apex=interval.apex,
            offset=interval.offset,
            strength_px=interval.strength_px,
            confidence=interval.confidence,
            prediction=prediction,
        )


def _decode_samples() -> None:
    """Decode an image and a clip of the package; where this fails, every upload would fail."""
    try:
        images.decode_image((SAMPLES / "surprise_apex.jpg").read_bytes(), MediaLimits())
        clip = (SAMPLES / "clip.mp4").read_bytes()
        for _ in open_clip(clip, MediaLimits()):
            pass
    except Exception as error:
        detail = f"The package's samples cannot be decoded ({type(error).__name__})."
        raise InstallationError(detail) from error


def _size(pixels: Pixels) -> str:
    height, width = pixels.shape[:2]
    return f"{width} x {height}"
