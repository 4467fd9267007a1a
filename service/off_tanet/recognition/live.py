"""Recognition of the expressions of a camera: frame by frame, with what is known at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from off_tanet.errors import FrameSizesError, NoFaceError
from off_tanet.face_choice import FaceCount
from off_tanet.limits import MediaLimits
from off_tanet.recognition.expressions import recognise, summarise
from off_tanet.recognition.face.alignment import transform
from off_tanet.recognition.face.trackers import MultiTracker
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.media import containers, images
from off_tanet.recognition.media.containers import Kind
from off_tanet.recognition.pair_recognizer import PairRecognizer
from off_tanet.recognition.spotting.video import MultiFaceSpotter, SpottedExpression
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.types import (
    CROP_SIZE,
    Expression,
    ExpressionCallback,
    ModelCard,
    Moment,
    Pixels,
    Similarity,
    VideoSpotting,
)

KINDS = (Kind.JPEG, Kind.WEBP)
"""The kinds of pictures that a frame may be: those that browsers encode."""

# Between frames that are farther apart, a whole expression may be missing. What is before and what
# is after are then two scenes.
_GAP_S = 1.0

_CORNERS = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]) * (CROP_SIZE - 1)

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """What is known of a frame at once.

    Attributes:
        moment: Its index and time.
        box: Where the tracked face is: x, y, width and height in pixels of the frame; None if it
            is not found.
        motion_px: How far the face is from its rest of the seconds before, in pixels at 112 x 112;
            None without a face, and in the first moments of one.
        warnings: Names of warnings that apply to the frame, in alphabetical order.
    """

    moment: Moment
    box: Box | None
    motion_px: float | None
    warnings: tuple[str, ...] = ()


class LiveRecognition:
    """Recognises the expressions of one camera as its frames come.

    It is the recognition of long videos. Of each face, crops of 25 s at most are kept, and the
    signals of all frames.

    Args:
        tracker: Tracks the faces.
        spotter: Spots the expressions.
        pairs: Recognises each of them.
        card: The model.
        media: `video_pixels` applies to each frame, `upload_bytes` to its file.
        faces: With `all`, expressions have the index of their face.
        on_expression: Called with each expression, 4 to 20 s after its offset.
    """

    def __init__(
        self,
        tracker: MultiTracker,
        spotter: MultiFaceSpotter,
        pairs: PairRecognizer,
        card: ModelCard,
        media: MediaLimits,
        faces: FaceCount,
        on_expression: ExpressionCallback,
    ) -> None:
        self._tracker, self._spotter = tracker, spotter
        self._pairs, self._card, self._faces = pairs, card, faces
        self._media = replace(media, image_pixels=media.video_pixels)
        self._on_expression = on_expression
        self._stopwatch = Stopwatch()
        self._expressions: list[Expression] = []
        self._shape: tuple[int, ...] | None = None
        self._latest_s = 0.0
        self._gaps_s: list[float] = []
        self._damaged = False

    def add(self, picture: bytes, moment: Moment) -> LiveFrame:
        """Process the next frame.

        Args:
            picture: The frame as a JPEG or WebP file.
            moment: Its index and time, later than that of the previous frame.

        Raises:
            MediaError: It cannot be decoded, exceeds a limit, or has another size than the first.
            NoFaceError: It shows faces, but not the chosen one.
        """
        with self._stopwatch.stage("decode"):
            pixels = self._decode(picture)
        with self._stopwatch.stage("spotting"):
            tracked = self._tracker.track(pixels, moment.time_s)
            found = self._leave_gap(moment) + self._spotter.add(tracked, moment)
            motion_px = self._spotter.latest_motion_px()
        self._recognise(found)
        first = tracked[0]
        warnings = tuple(sorted(first.warnings))
        return LiveFrame(moment, _box(first, pixels), motion_px, warnings)

    def finish(self) -> VideoSpotting:
        """End the stream.

        Returns:
            All expressions, in the order of their offsets.

        Raises:
            NoFaceError: No frame showed a face.
        """
        with self._stopwatch.stage("spotting"):
            found = self._spotter.finish()
        self._recognise(found)
        if not self._spotter.frames_with_face:
            raise NoFaceError("No face was found in the stream.")
        damage = {"damaged_video"} if self._damaged else set()
        spotting = summarise(self._spotter, self._expressions, damage, self._card, self._faces)
        if self._gaps_s:
            spotting = _without_gaps(spotting, self._gaps_s)
        return replace(spotting, timings_ms=self._timings_ms())

    def _timings_ms(self) -> dict[str, float]:
        """The milliseconds of each stage; their total is without the waits for the camera."""
        stages = self._stopwatch.milliseconds()
        del stages["total"]
        return {**stages, "total": sum(stages.values())}

    def _decode(self, picture: bytes) -> Pixels:
        kind = images.validate_upload(picture, KINDS, self._media)
        images.check_size(
            *containers.picture_size(picture, kind), self._media.video_pixels, "video_pixels"
        )
        image = next(images.decode_frames((picture,), self._media))
        self._damaged = self._damaged or image.damaged
        self._shape = self._shape or image.pixels.shape
        if image.pixels.shape != self._shape:
            raise FrameSizesError("The frame is not as large as the first frame.")
        return image.pixels

    def _leave_gap(self, moment: Moment) -> list[SpottedExpression]:
        """End the scene if the stream paused, and return its remaining expressions."""
        pause_s, self._latest_s = moment.time_s - self._latest_s, moment.time_s
        if not self._spotter.frames or pause_s <= _GAP_S:
            return []
        self._gaps_s.append(pause_s)
        return self._spotter.finish()

    def _recognise(self, found: Sequence[SpottedExpression]) -> None:
        for spotted in found:
            expression = recognise(spotted, self._pairs, self._faces)
            self._expressions.append(expression)
            self._on_expression(expression)


def _without_gaps(spotting: VideoSpotting, gaps_s: Sequence[float]) -> VideoSpotting:
    """Count the gaps between scenes, like cuts, as not judged, and not as time between frames."""
    seconds = spotting.seconds - sum(gaps_s)
    interval_s = seconds / max(1, spotting.frames - 1 - len(gaps_s))
    judged_s = max(0.0, seconds + interval_s - sum(spotting.unjudged_s.values()))
    cut_s = spotting.unjudged_s.get("cut", 0.0) + sum(gaps_s)
    return replace(
        spotting,
        judged_s=judged_s,
        unjudged_s={**spotting.unjudged_s, "cut": cut_s},
        time_uncertainty_s=None if spotting.time_uncertainty_s is None else interval_s,
    )


def _box(frame: TrackedFrame, pixels: Pixels) -> Box | None:
    """The box around the crop of a face in the frame; the whole frame if that is the crop."""
    height, width = pixels.shape[:2]
    if frame.crop is None:
        return None
    if frame.where is None:
        return 0.0, 0.0, float(width), float(height)
    back: Similarity = np.asarray(cv2.invertAffineTransform(frame.where), np.float64)
    corners = transform(_CORNERS, back)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return float(left), float(top), float(right - left), float(bottom - top)
