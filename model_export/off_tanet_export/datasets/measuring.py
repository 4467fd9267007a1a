"""Clips measured by the face, crop and flow of the service, on several cores."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TypeVar

import cv2
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
from tqdm import tqdm

from off_tanet_export.datasets.rows import Fault, Row, RowFaultError
from off_tanet_export.errors import MapsError

_LIMITS, _THRESHOLDS = MediaLimits(), Thresholds()
_In = TypeVar("_In")
_Out = TypeVar("_Out")


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

        Raises:
            MapsError: A process was ended from outside.
        """
        frames = sum(len(row.frames) for row in rows)
        crop = partial(_crop_row, rate=self.rate, cropped=self.cropped)
        return self._map(crop, rows, "faces", frames)

    def flows(self, clips: Sequence[CroppedClip]) -> list[Flow]:
        """Compute the flows of clips.

        Args:
            clips: The faces of the clips.

        Raises:
            MapsError: A process was ended from outside.
        """
        return self._map(_flow, clips, "flow", 2 * len(clips))

    def _map(
        self, function: Callable[[_In], _Out], values: Sequence[_In], what: str, frames: int
    ) -> list[_Out]:
        """Apply a function to each value, in processes if there is enough work, with progress."""
        processes = min(self.processes, len(values), frames // self.least_frames)
        try:
            with ExitStack() as stack:
                results: Iterator[_Out] = map(function, values)
                if processes > 1:
                    pool = ProcessPoolExecutor(processes, get_context("spawn"), _prepare)
                    stack.callback(pool.shutdown, cancel_futures=True)
                    results = pool.map(function, values)
                bar = tqdm(results, what, len(values), unit="clip", disable=None)
                return list(stack.enter_context(bar))
        except BrokenProcessPool as error:
            reason = "out of memory, or by a damaged picture; see --processes"
            raise MapsError(f"a process that measured clips was ended: {reason}") from error


def _prepare() -> None:
    """Prepare a process: it works on one core, and ends by Ctrl-C or its parent without a word."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


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
