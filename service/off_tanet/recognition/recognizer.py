"""The whole way in one process: bytes in, Prediction out. No HTTP here."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from off_tanet.configuration import SAMPLES, Configuration
from off_tanet.errors import FrameSizesError, InstallationError, NoFaceError
from off_tanet.limits import MediaLimits
from off_tanet.recognition import quality
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.face import detector as faces
from off_tanet.recognition.face.tracking import (
    FaceTracker,
    PreCroppedTracker,
    TrackedFrame,
    Tracker,
)
from off_tanet.recognition.face.visibility import VisibilityMonitor
from off_tanet.recognition.flow import light
from off_tanet.recognition.media import images
from off_tanet.recognition.media import video as clips
from off_tanet.recognition.motion import head_motion
from off_tanet.recognition.spotting import clip as spotting
from off_tanet.recognition.spotting.scenes import TrackedClip
from off_tanet.recognition.spotting.video import SpottedExpression, VideoSpotter
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.types import (
    CROP_SIZE,
    Classification,
    Crop,
    Expression,
    ExpressionCallback,
    Face,
    FaceMode,
    ModelCard,
    ModelName,
    Moment,
    Motion,
    Pixels,
    Prediction,
    Progress,
    Quality,
    VideoSpotting,
)

_PROGRESS_S = 1.0  # of video, between two tellings
_CLASSIFIED_AT_ONCE = 8  # the runtime keeps the memory of its largest batch


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
    def limits(self) -> MediaLimits:
        """What an upload may cost."""
        return self._configuration.media

    @property
    def max_batch(self) -> int:
        """Flows that one request may bring."""
        return self._configuration.batch

    def warm_up(self) -> None:
        """Run every stage once, so that the first request is as fast as the rest.

        Raises InstallationError where the package's own samples cannot be decoded.
        """
        _decode_samples()
        self._detector.detect(np.zeros((480, 640, 3), np.uint8))
        still = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
        self._classifier.classify(light.matched(still, still).flow())

    def frames(self, onset: bytes, apex: bytes, *, face: FaceMode = "auto") -> Prediction:
        """Recognise the expression between two pictures.

        Raises MediaError for pictures that cannot be used and NoFaceError.
        """
        watch = Stopwatch()
        with watch.stage("decode"):
            pictures = images.decode_pair(onset, apex, self._configuration.media)
            pair = [picture.pixels for picture in pictures]
        if pair[0].shape != pair[1].shape:
            raise FrameSizesError(
                f"The onset is {_size(pair[0])}, the apex {_size(pair[1])} pixels; "
                "they must be of one size."
            )
        with watch.stage("face"):
            cropped = self._crops(pair[0], pair[1], face)
        if any(picture.damaged for picture in pictures):
            cropped = replace(cropped, seen=cropped.seen | {"damaged_image"})
        return self._predict(cropped, watch)

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

        What is not given is sought in the longest scene that shows a face. Frames are looked at as
        they are decoded, and only crops are kept.
        Raises MediaError, NoFaceError, FrameOrderError and FrameIndexError.
        """
        watch = Stopwatch()
        footage = self._footage(video, face, watch, progress)
        shot = footage.shot(onset_index, apex_index)
        start = shot.start
        with watch.stage("spotting"):
            spotted = spotting.spot(
                footage.crops(shot),
                footage.times_s[start : shot.stop],
                onset=None if onset_index is None else 0,
                apex=None if apex_index is None else apex_index - start,
                progress=progress,
            )
        strength_px = np.zeros(len(footage.views), np.float32)
        strength_px[start : shot.stop] = spotted.strength_px
        onset, apex = start + spotted.onset, start + spotted.apex
        pair = _Pair(
            onset=footage.moment(onset),
            apex=footage.moment(apex),
            crops=(footage.crop(onset), footage.crop(apex)),
            faces=footage.views[onset].faces,
            seen=footage.seen(onset, apex),
            weak_apex=spotted.weak and apex_index is None,
        )
        return self._predict(pair, watch, Motion(strength_px, footage.times_s, shot.stop))

    def video(
        self,
        video: bytes,
        *,
        face: FaceMode = "auto",
        progress: Progress | None = None,
        on_expression: ExpressionCallback | None = None,
    ) -> VideoSpotting:
        """Find every expression of a long video, and recognise those that are micro-expressions.

        Frames are looked at as they are decoded; crops of 25 s at most are kept. `on_expression` is
        called with each expression 4 to 20 s of video after its end, `progress` for every second
        in the stage `spotting`. Raises MediaError and NoFaceError.
        """
        stopwatch = Stopwatch()
        with stopwatch.stage("decode"):
            stream = clips.open_video(video, self._configuration.media)
            frames = iter(stream)
        track: Tracker = PreCroppedTracker() if face == "none" else FaceTracker(self._detector)
        watch = VideoSpotter(track, self._configuration.durations)
        expressions: list[Expression] = []
        told_s = 0.0
        while True:
            with stopwatch.stage("decode"):
                frame = next(frames, None)
            with stopwatch.stage("spotting"):
                seen = watch.finish() if frame is None else watch.see(frame)
            for each in seen:
                expressions.append(self._recognised(each))
                if on_expression:
                    on_expression(expressions[-1])
            if frame is None:
                break
            if progress and frame.time_s >= told_s:
                progress("spotting", watch.frames, max(watch.frames, stream.claimed_frames or 0))
                told_s = frame.time_s + _PROGRESS_S
        if not watch.frames_with_face:
            raise NoFaceError("No face was found in the video.")
        return VideoSpotting(
            model=ModelName(self.card.name, self.card.version),
            expressions=tuple(expressions),
            frames=watch.frames,
            frames_with_face=watch.frames_with_face,
            seconds=watch.seconds,
            warnings=quality.told(watch.seen | ({"damaged_video"} if stream.damaged else set())),
            timings_ms=stopwatch.milliseconds(),
        )

    def classify(self, flows: NDArray[np.float32]) -> list[Classification]:
        """Classify flows [N, 2, 112, 112] that were measured elsewhere: the model alone.

        Raises ValueError like `Classifier.classify_batch`.
        """
        steps = range(_CLASSIFIED_AT_ONCE, len(flows), _CLASSIFIED_AT_ONCE)
        batches = np.split(flows, steps)
        return [answer for batch in batches for answer in self._classifier.classify_batch(batch)]

    def _footage(
        self, video: bytes, mode: FaceMode, watch: Stopwatch, progress: Progress | None
    ) -> TrackedClip:
        """The clip's views; its frames are let go one by one."""
        with watch.stage("decode"):
            clip = clips.open_clip(video, self._configuration.media)
            frames = iter(clip)
        track: Tracker = PreCroppedTracker() if mode == "none" else FaceTracker(self._detector)
        views: list[TrackedFrame] = []
        times_s: list[float] = []
        while True:
            with watch.stage("decode"):
                frame = next(frames, None)
            if frame is None:
                return TrackedClip(views, np.array(times_s, np.float32), clip.damaged)
            with watch.stage("face"):
                views.append(track.view(frame.pixels))
            times_s.append(frame.time_s)
            if progress:
                progress("decode", len(views), max(len(views), clip.claimed_frames or 0))

    def _recognised(self, seen: SpottedExpression) -> Expression:
        sighting = seen.sighting
        prediction = None
        if sighting.kind == "micro":
            crops = sighting.onset_crop, sighting.apex_crop
            pair = _Pair(sighting.onset, sighting.apex, crops, seen.faces, seen.words)
            prediction = self._predict(pair, Stopwatch())
        return Expression(
            kind=sighting.kind,
            onset=sighting.onset,
            apex=sighting.apex,
            offset=sighting.offset,
            strength_px=sighting.strength_px,
            confidence=sighting.confidence,
            prediction=prediction,
        )

    def _crops(self, onset: Pixels, apex: Pixels, mode: FaceMode) -> _Pair:
        """Both pictures cropped by the transform of the onset's largest face."""
        moments = Moment(0, 0.0), Moment(1, 0.0)
        if mode == "none":
            return _Pair(*moments, (faces.whole(onset), faces.whole(apex)))
        found = self._detector.detect(onset)
        if not found:
            raise NoFaceError("No face was found on the onset frame.")
        where = faces.align(found[0])
        crops = faces.crop(onset, where), faces.crop(apex, where)
        disturbances, marks = VisibilityMonitor(), faces.transformed(found[0], where)
        seen = [disturbances.seen(crop, marks, looked=True) for crop in crops]
        return _Pair(*moments, crops, found, frozenset().union(*seen))

    def _predict(self, pair: _Pair, watch: Stopwatch, curve: Motion | None = None) -> Prediction:
        with watch.stage("flow"):
            lit = light.matched(*pair.crops)
            field_ = lit.flow()
        with watch.stage("inference"):
            answer = self._classifier.classify(field_)
        with watch.stage("quality"):
            evidence = quality.Evidence(
                motion_px=head_motion.strength(field_),
                head_motion_px=head_motion.head_motion(field_).magnitude_px,
                faces=pair.faces,
                weak_apex=pair.weak_apex,
                unmatched_light=lit.unmatched,
                clipped_share=lit.clipped,
                # Of different pictures nothing else could be said, but that one is damaged.
                seen={"cut"} | (pair.seen & {"damaged_image"})
                if spotting.is_cut(*pair.crops)
                else pair.seen,
            )
        card = self._classifier.card
        probabilities = dict(zip(card.classes, map(float, answer.probabilities), strict=True))
        return Prediction(
            model=ModelName(card.name, card.version),
            label=max(probabilities, key=probabilities.__getitem__),
            probabilities=probabilities,
            onset=pair.onset,
            apex=pair.apex,
            face=pair.faces[0] if pair.faces else None,
            quality=Quality(
                evidence.motion_px,
                evidence.head_motion_px,
                quality.warnings(evidence, self._configuration.thresholds),
            ),
            flow=field_,
            attention=answer.attention,
            onset_crop=pair.crops[0],
            apex_crop=pair.crops[1],
            motion=curve,
            timings_ms=watch.milliseconds(),
        )


def _decode_samples() -> None:
    """As a request would: what fails here fails for every upload, whatever is in it."""
    try:
        images.decode_image((SAMPLES / "surprise_apex.jpg").read_bytes(), MediaLimits())
        clip = (SAMPLES / "clip.mp4").read_bytes()
        for _ in clips.open_clip(clip, MediaLimits()):
            pass
    except Exception as error:
        told = f"The package's samples cannot be decoded ({type(error).__name__})."
        raise InstallationError(told) from error


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """What is classified: two crops by one transform, and what was seen of them."""

    onset: Moment
    apex: Moment
    crops: tuple[Crop, Crop]
    faces: tuple[Face, ...] = ()
    seen: frozenset[str] = frozenset()
    weak_apex: bool = False


def _size(pixels: Pixels) -> str:
    height, width = pixels.shape[:2]
    return f"{width} x {height}"
