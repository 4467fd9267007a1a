"""Recognition and spotting in one process: bytes in, `Prediction` or `VideoSpotting` out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from off_tanet.configuration import Configuration
from off_tanet.errors import NoFaceError
from off_tanet.face_choice import FaceChoice, FaceCount, check_faces
from off_tanet.limits import MediaLimits
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.expressions import recognise, summarise
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.trackers import MultiFaceTracker, MultiTracker, OneFace
from off_tanet.recognition.face.tracking import PreCroppedTracker
from off_tanet.recognition.flow import light
from off_tanet.recognition.live import LiveRecognition
from off_tanet.recognition.media.sources import Source, open_clip, open_video
from off_tanet.recognition.pair import CropPair
from off_tanet.recognition.pair_recognizer import PairRecognizer
from off_tanet.recognition.photographs import crop_photographs
from off_tanet.recognition.samples import decode_samples
from off_tanet.recognition.spotting.video import MultiFaceSpotter
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.recognition.stream import spot_pairs, spot_video, track_clip
from off_tanet.types import (
    CROP_SIZE,
    Classification,
    Expression,
    ExpressionCallback,
    ModelCard,
    Motion,
    Prediction,
    Progress,
    VideoSpotting,
)

_BATCH_SIZE = 8  # ONNX Runtime keeps the memory of its largest batch


class Recognizer:
    """Recognises micro-expressions in pairs of images, clips and long videos.

    An instance handles one request at a time.

    Args:
        configuration: Model, detector, limits and thresholds; by default those of the package.

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
        decode_samples()
        self._detector.detect(np.zeros((480, 640, 3), np.uint8))
        still = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
        self._classifier.classify(light.matched(still, still).flow())

    def frames(
        self,
        onset: bytes,
        apex: bytes,
        *,
        face: FaceChoice = "auto",
        faces: FaceCount = "one",
    ) -> Prediction:
        """Recognise the expression between two images.

        Args:
            onset: The encoded image at the onset.
            apex: The encoded image at the apex, of the same size in pixels.
            face: The face to analyse, by default the largest one on the onset; `none` takes both
                images for face crops.
            faces: With `all`, the prediction has those of all faces.

        Returns:
            The prediction, without a motion curve.

        Raises:
            MediaError: If an image cannot be decoded or exceeds a limit, or the sizes differ.
            NoFaceError: If the onset shows no face, or not the chosen one.
            InvalidRequestError: If one face is chosen and all are requested.
        """
        check_faces(face, faces)
        stopwatch = Stopwatch()
        pairs = crop_photographs(
            (onset, apex),
            face,
            lambda choice: self._tracker(choice, faces),
            self._configuration.media,
            stopwatch,
        )
        return self._predict([(pair, None) for pair in pairs], stopwatch, faces)

    def clip(
        self,
        video: Source,
        *,
        onset_index: int | None = None,
        apex_index: int | None = None,
        face: FaceChoice = "auto",
        faces: FaceCount = "one",
        progress: Progress | None = None,
    ) -> Prediction:
        """Recognise the expression of a short clip.

        Onset and apex are found unless they are given, in the longest scene that shows a face.
        Frames are processed as they are decoded, and only crops are kept.

        Args:
            video: The encoded clip, or its frames as files.
            onset_index: The index of the onset frame, if known.
            apex_index: The index of the apex frame, if known.
            face: The face to analyse, by default the largest one; `none` takes the frames for face
                crops.
            faces: With `all`, the prediction has those of all faces.
            progress: Called for every frame in the stages `decode` and `spotting`.

        Returns:
            The prediction, with the motion curve.

        Raises:
            MediaError: If the clip cannot be decoded or exceeds a limit.
            NoFaceError: If the clip or a given frame shows no face, or not the chosen one.
            FrameOrderError: If the onset is not before the apex.
            FrameIndexError: If the clip has no frame of a given index.
            InvalidRequestError: If one face is chosen and all are requested.
        """
        check_faces(face, faces)
        stopwatch = Stopwatch()
        with stopwatch.stage("decode"):
            stream = open_clip(video, self._configuration.media)
        ahead = self._configuration.decode_ahead
        clips = track_clip(stream, self._tracker(face, faces), stopwatch, progress, ahead=ahead)
        with stopwatch.stage("spotting"):
            thresholds = self._configuration.thresholds
            spotted = spot_pairs(clips, onset_index, apex_index, thresholds, progress)
        return self._predict(spotted, stopwatch, faces)

    def video(
        self,
        video: Source,
        *,
        face: FaceChoice = "auto",
        faces: FaceCount = "one",
        progress: Progress | None = None,
        on_expression: ExpressionCallback | None = None,
    ) -> VideoSpotting:
        """Spot the expressions of a long video and recognise them.

        Frames are processed as they are decoded. Crops of 25 s at most are kept of each face, and
        the signals of all frames.

        Args:
            video: The encoded video, or its frames as files.
            face: The face to analyse, by default the largest one; `none` takes the frames for face
                crops.
            faces: With `all`, the expressions are those of all faces.
            progress: Called for every second of video in the stage `spotting`.
            on_expression: Called with each expression, 4 to 20 s of video after its offset.

        Returns:
            All expressions, in the order of their offsets.

        Raises:
            MediaError: If the video cannot be decoded or exceeds a limit.
            NoFaceError: If the video shows no face, or not the chosen one.
            InvalidRequestError: If one face is chosen and all are requested.
        """
        check_faces(face, faces)
        stopwatch = Stopwatch()
        with stopwatch.stage("decode"):
            stream = open_video(video, self._configuration.media)
        tracker = self._tracker(face, faces)
        spotter = MultiFaceSpotter(
            self._configuration.durations, self._configuration.thresholds, tracker.count
        )
        expressions: list[Expression] = []
        ahead = self._configuration.decode_ahead
        for spotted in spot_video(stream, tracker, spotter, stopwatch, progress, ahead=ahead):
            expressions.append(recognise(spotted, self._pairs, faces))
            if on_expression:
                on_expression(expressions[-1])
        if not spotter.frames_with_face:
            raise NoFaceError("No face was found in the video.")
        damage = {"damaged_video"} if stream.damaged else set()
        spotting = summarise(spotter, expressions, damage, self.card, faces)
        return replace(spotting, timings_ms=stopwatch.milliseconds())

    def live(
        self,
        *,
        face: FaceChoice = "auto",
        faces: FaceCount = "one",
        on_expression: ExpressionCallback = lambda _: None,
    ) -> LiveRecognition:
        """Begin to recognise the expressions of a camera, whose frames follow one by one.

        Args:
            face: The face to analyse, as for `video`.
            faces: With `all`, the expressions are those of all faces.
            on_expression: Called with each expression, 4 to 20 s after its offset.

        Raises:
            InvalidRequestError: If one face is chosen and all are requested.
        """
        check_faces(face, faces)
        configuration, tracker = self._configuration, self._tracker(face, faces)
        spotter = MultiFaceSpotter(configuration.durations, configuration.thresholds, tracker.count)
        return LiveRecognition(
            tracker, spotter, self._pairs, self.card, configuration.media, faces, on_expression
        )

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

    def _tracker(self, face: FaceChoice, faces: FaceCount) -> MultiTracker:
        if face == "none":
            return OneFace(PreCroppedTracker())
        count = self._configuration.faces if faces == "all" else 1
        return MultiFaceTracker(self._detector, face, count, self._configuration.landmark_rate)

    def _predict(
        self,
        pairs: Sequence[tuple[CropPair, Motion | None]],
        stopwatch: Stopwatch,
        faces: FaceCount,
    ) -> Prediction:
        """The prediction for the first pair, with those for all pairs if they are requested."""
        predictions = [self._pairs.predict(pair, stopwatch, motion) for pair, motion in pairs]
        if faces == "one":
            return predictions[0]
        timings_ms = stopwatch.milliseconds()
        each = tuple(replace(prediction, timings_ms=timings_ms) for prediction in predictions)
        return replace(each[0], faces=each)
