"""Clips measured by the face, crop and flow of the service, on several cores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from off_tanet.configuration import ASSETS
from off_tanet.errors import MediaError, NoFaceError, OffTanetError
from off_tanet.limits import MediaLimits, Thresholds
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.trackers import FaceTracker
from off_tanet.recognition.face.tracking import PreCroppedTracker, Tracker
from off_tanet.recognition.media.images import decode_image, decode_pair
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.recognition.motion.stabilization import expression_flow
from off_tanet.recognition.pair import crop_pair, spot_pair
from off_tanet.recognition.spotting.scenes import TrackedClip
from off_tanet.types import Crop, Flow, Pixels

from off_tanet_export.datasets.processes import apply
from off_tanet_export.datasets.rows import Fault, Row, RowFaultError
from off_tanet_export.errors import MapsError

_LIMITS, _THRESHOLDS = MediaLimits(), Thresholds()
_ENDED = RowFaultError(
    "ended its process", "the process that measured it was ended: out of memory, or by a picture"
)


@dataclass(frozen=True, slots=True, eq=False)
class CroppedClip:
    """The faces of a clip, between which the flow is computed.

    Attributes:
        apex: The number of the apex frame.
        crops: The crops [112, 112] of onset and apex.
        shape: The shape of the head; None for that of the average face.
        notes: What is odd.
    """

    apex: int
    crops: tuple[Crop, Crop]
    shape: HeadShape | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measuring:
    """How clips are measured.

    Attributes:
        rate: Frames per second.
        cropped: Whether frames are tight face crops.
        processes: The largest number of processes that work at once.
        least_frames: The number of frames for each process; fewer are read sooner than it starts.
    """

    rate: float
    cropped: bool = False
    processes: int = 1
    least_frames: int = 200

    def crop_all(self, rows: Sequence[Row]) -> list[CroppedClip | Fault]:
        """Crop the faces of clips, whose apex is spotted where it is not known.

        Args:
            rows: The clips.

        Returns:
            The faces of each clip, or why there are none.
        """
        crop = partial(_crop_row, rate=self.rate, cropped=self.cropped)
        count = self._processes(sum(len(row.frames) for row in rows))
        found = zip(rows, apply(crop, rows, count, "faces"), strict=True)
        return [row.fault(_ENDED) if clip is None else clip for row, clip in found]

    def flows(self, clips: Sequence[CroppedClip]) -> list[Flow]:
        """Compute the flows of clips.

        Args:
            clips: The faces of the clips.

        Raises:
            MapsError: A process was ended again and again.
        """
        found = apply(_flow, clips, self._processes(2 * len(clips)), "flow")
        flows = [flow for flow in found if flow is not None]
        if len(flows) < len(found):
            raise MapsError(_ENDED.reason)
        return flows

    def _processes(self, frames: int) -> int:
        return min(self.processes, frames // self.least_frames)


@cache
def _detector() -> FaceDetector:
    return FaceDetector(ASSETS)


def _tracker(cropped: bool) -> Tracker:
    return PreCroppedTracker() if cropped else FaceTracker(_detector())


def _flow(clip: CroppedClip) -> Flow:
    return expression_flow(*clip.crops, clip.shape).flow


def _crop_row(row: Row, rate: float, cropped: bool) -> CroppedClip | Fault:
    try:
        apex = _spot_apex(row, rate, cropped) if row.apex is None else row.apex
        return _crop(row, apex, cropped)
    except RowFaultError as error:
        return row.fault(error)


def _crop(row: Row, apex: int, cropped: bool) -> CroppedClip:
    """Decode onset and apex as the service decodes a pair, and crop the face on them."""
    paths = row.frames[row.onset], row.frames[apex]
    onset_data, apex_data = (_bytes(path) for path in paths)
    try:
        pictures = decode_pair(onset_data, apex_data, _LIMITS)
    except MediaError as error:
        for path in paths:
            _decode(path)  # which of the two it is
        raise _no_picture(paths[1], error) from error
    for path, picture in zip(paths, pictures, strict=True):
        if picture.damaged:
            raise RowFaultError("damaged", f"{path.name}: the picture is damaged")
    onset, last = (picture.pixels for picture in pictures)
    if onset.shape != last.shape:
        texts = " and ".join(f"{pixels.shape[1]} x {pixels.shape[0]}" for pixels in (onset, last))
        raise RowFaultError("of two sizes", f"onset and apex have different sizes, {texts}")
    try:
        pair = crop_pair(onset, last, _tracker(cropped))
    except NoFaceError as error:
        raise _no_face(row) from error
    same = np.array_equal(onset, last)
    notes = ["onset and apex are the same picture"] if same else []
    notes += ["onset and apex may be of two people"] if pair.different_scenes else []
    return CroppedClip(apex, pair.crops, pair.shape, tuple(notes))


def _spot_apex(row: Row, rate: float, cropped: bool) -> int:
    """Spot the apex between onset and offset as the service does in a clip."""
    numbers = sorted(row.frames)
    tracker = _tracker(cropped)
    try:
        frames = [tracker.track(_decode(row.frames[number])) for number in numbers]
        times = (np.array(numbers, np.float32) - row.onset) / np.float32(rate)
        pair, _ = spot_pair(TrackedClip(frames, times), 0, None, _THRESHOLDS, None)
    except NoFaceError as error:
        raise _no_face(row) from error
    except OffTanetError as error:
        raise RowFaultError("without a spotted apex", error.detail) from error
    return numbers[pair.apex.index]


def _decode(path: Path) -> Pixels:
    try:
        return decode_image(_bytes(path), _LIMITS)
    except MediaError as error:
        raise _no_picture(path, error) from error


def _bytes(path: Path) -> bytes:
    """Read a frame, which may be a broken link, or lie on a disk that fails."""
    try:
        if path.exists() and not path.is_file():
            raise RowFaultError("no picture", f"{path.name} is not a file")
        return path.read_bytes()
    except OSError as error:
        reason = f"{path.name} cannot be read: {error.strerror}"
        raise RowFaultError("unreadable", reason) from error


def _no_picture(path: Path, error: MediaError) -> RowFaultError:
    # The service's words are about uploads.
    detail = error.detail.replace("The upload", "the file")
    return RowFaultError("no picture", f"{path.name}: {detail}")


def _no_face(row: Row) -> RowFaultError:
    return RowFaultError("without a face", f"no face on the onset frame, {row.onset}")
