"""Two pictures of a request: decoded, reduced where they are large, and cropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from off_tanet.errors import FrameSizesError, NoFaceError
from off_tanet.face_choice import FaceChoice
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face.trackers import MultiTracker
from off_tanet.recognition.media import images, jpeg
from off_tanet.recognition.pair import CropPair, crop_pairs
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.types import Face, Landmarks, Pixels, Signals

Places = TypeVar("Places", bound=NDArray[np.floating])

LEAST_SCALE = 2.0
"""Pixels of a reduced picture for one pixel of the crop: the face has at least 224 pixels.

A crop from so many pixels is as sharp as one from more: it is blurred to its own resolution.
"""

_MARKS = tuple(field.name for field in fields(Landmarks))


def crop_photographs(
    files: tuple[bytes, bytes],
    choice: FaceChoice,
    tracker: Callable[[FaceChoice], MultiTracker],
    limits: MediaLimits,
    stopwatch: Stopwatch,
) -> list[CropPair]:
    """Decode two pictures and crop their faces.

    Large JPEG files are reduced while they are decoded, which takes half of the time for 12
    megapixels. If that leaves a face with fewer pixels than its crop needs, or none is found, they
    are decoded again as they are.

    Args:
        files: The encoded pictures at the onset and at the apex.
        choice: The face to analyse, a box in pixels of the pictures.
        tracker: Returns a tracker of a chosen face.
        limits: The limits of the pictures.
        stopwatch: Measures the stages `decode` and `face`.

    Returns:
        The crops of each face, at least one, with all places in pixels of the pictures.

    Raises:
        MediaError: If a picture cannot be decoded or exceeds a limit, or the sizes differ.
        NoFaceError: If the onset shows no face, or not the chosen one.
    """
    reduction = 1 if choice == "none" else jpeg.common_reduction(*files)
    if reduction > 1:
        try:
            reduced = _crop(
                files, _shrink(choice, reduction), tracker, limits, stopwatch, reduction
            )
        except NoFaceError:
            reduced = []
        if reduced and all(map(_is_large, reduced)):
            return [_enlarge(pair, reduction) for pair in reduced]
    return _crop(files, choice, tracker, limits, stopwatch)


def _crop(
    files: tuple[bytes, bytes],
    choice: FaceChoice,
    tracker: Callable[[FaceChoice], MultiTracker],
    limits: MediaLimits,
    stopwatch: Stopwatch,
    reduction: int = 1,
) -> list[CropPair]:
    with stopwatch.stage("decode"):
        pictures = images.decode_pair(*files, limits, reduction)
    onset, apex = (picture.pixels for picture in pictures)
    if onset.shape != apex.shape:
        raise FrameSizesError(
            f"The onset is {_size(onset, reduction)}, the apex {_size(apex, reduction)} pixels; "
            "they must be of one size."
        )
    with stopwatch.stage("face"):
        pairs = crop_pairs(onset, apex, tracker(choice))
    if any(picture.damaged for picture in pictures):
        pairs = [replace(pair, warnings=pair.warnings | {"damaged_image"}) for pair in pairs]
    return pairs


def _is_large(pair: CropPair) -> bool:
    """Whether the face has the pixels that its crop needs, on all pictures that show it."""
    return pair.signals is not None and not np.any(pair.signals.scale < LEAST_SCALE)


def _shrink(choice: FaceChoice, reduction: int) -> FaceChoice:
    if not isinstance(choice, tuple):
        return choice
    x, y, width, height = (length / reduction for length in choice)
    return x, y, width, height


def _enlarge(pair: CropPair, reduction: int) -> CropPair:
    """The pair with all places in pixels of the picture that was reduced."""
    faces = tuple(_enlarged_face(face, reduction) for face in pair.faces)
    signals = pair.signals and _enlarged_signals(pair.signals, reduction)
    return replace(pair, faces=faces, signals=signals)


def _enlarged_face(face: Face, reduction: int) -> Face:
    x, y, width, height = (reduction * length for length in face.box)
    marks = np.array([getattr(face.landmarks, name) for name in _MARKS])
    points = map(tuple, _enlarged(marks, reduction).tolist())
    return Face((x, y, width, height), face.score, Landmarks(*points))


def _enlarged_signals(signals: Signals, reduction: int) -> Signals:
    x, y = (_enlarged(places, reduction) for places in (signals.x, signals.y))
    return replace(signals, x=x, y=y, scale=signals.scale * reduction)


def _enlarged(places: Places, reduction: int) -> Places:
    """Places of a reduced picture on the whole one; the centre of the first pixel is 0 on both."""
    return cast(Places, (places + 0.5) * reduction - 0.5)


def _size(pixels: Pixels, reduction: int) -> str:
    height, width = pixels.shape[:2]
    return f"{width * reduction} x {height * reduction}"
