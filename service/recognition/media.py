"""Bytes to pictures and clips, in memory, within limits. Nothing is written to disk or to a log."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from service.recognition import headers
from service.recognition.errors import (
    LimitExceededError,
    TooFewFramesError,
    UndecodableMediaError,
    UnsupportedMediaError,
)
from service.recognition.headers import Kind
from service.recognition.types import Clip, Frame, Pixels, Progress

# What decoders say on stderr can quote an upload (a title, a chunk's bytes), and OpenCV and FFmpeg
# have one level for the whole process and no other. FFmpeg's -8 is "quiet". (libpng and libjpeg
# cannot be told; their line about a broken file quotes a chunk's four letters at most.)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

_FALLBACK_FPS = 25.0

Samples = NDArray[np.integer | np.floating]


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What an upload may cost. An error names the field that was exceeded.

    `upload_bytes`: the encoded file. `image_pixels`: width x height of a picture, 3 bytes each.
    `video_pixels`: width x height of a clip's frame. `frames` and `seconds`: a clip's length.
    `clip_pixels`: all frames of a clip together, 3 bytes each: the memory that it takes.
    """

    upload_bytes: int = 50_000_000
    image_pixels: int = 50_000_000
    video_pixels: int = 4096 * 2304
    frames: int = 1000
    seconds: float = 30.0
    clip_pixels: int = 300_000_000


class Capture(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def isOpened(self) -> bool: ...  # noqa: N802

    def grab(self) -> bool: ...

    def retrieve(self) -> tuple[bool, Pixels]: ...

    def get(self, propId: int, /) -> float: ...  # noqa: N803


def decode_image(data: bytes, limits: MediaLimits) -> Pixels:
    """A PNG, JPEG, WebP, BMP or TIFF picture as BGR uint8 [H, W, 3], upright.

    Grey becomes colour, 16 bits are scaled to 8, an EXIF orientation is applied. Transparent
    parts become black, as they already are in the files that store premultiplied colours.

    Raises UnsupportedMediaError for other kinds of bytes, whatever their declared type,
    LimitExceededError before the memory is taken, and UndecodableMediaError for empty, truncated
    or broken files.
    """
    kind = _accepted(data, headers.PICTURES, limits)
    width, height = headers.picture_size(data, kind)
    _check_size(width, height, limits.image_pixels, "image_pixels")
    samples, orientation = _samples(data, kind)
    return _upright(_colour(_eight_bit(samples, kind), kind), orientation)


def decode_clip(data: bytes, limits: MediaLimits, progress: Progress | None = None) -> Clip:
    """The frames of an MP4, MOV, AVI, WebM, MKV or GIF clip, with their own timestamps.

    `progress` is told of each frame in the stage `decode`; its total is the container's claim.

    Raises UnsupportedMediaError for other kinds of bytes, LimitExceededError as soon as a limit is
    passed, TooFewFramesError for a single frame, and UndecodableMediaError for empty, truncated or
    broken files and for those without a video stream.
    """
    kind = _accepted(data, headers.CLIPS, limits)
    try:
        return read_clip(_open(data), limits, progress)
    except cv2.error:
        raise UndecodableMediaError(f"The {kind} file cannot be decoded.") from None


def _accepted(data: bytes, kinds: tuple[Kind, ...], limits: MediaLimits) -> Kind:
    if not data:
        raise UndecodableMediaError("The upload is empty.")
    if len(data) > limits.upload_bytes:
        detail = f"The upload has more than {limits.upload_bytes} bytes."
        raise LimitExceededError(detail, "upload_bytes")
    kind = headers.kind_of(data)
    if kind not in kinds:
        raise UnsupportedMediaError(f"The upload is none of {', '.join(kinds)}.")
    if not headers.is_whole(data, kind):
        raise UndecodableMediaError(f"The {kind} file is truncated or broken.")
    return kind


def _check_size(width: int, height: int, pixels: int, limit: str) -> None:
    if width * height > pixels:
        detail = f"{width} x {height} pixels are more than the limit of {pixels}."
        raise LimitExceededError(detail, limit)


# --- pictures ---------------------------------------------------------------------------------


def _samples(data: bytes, kind: Kind) -> tuple[Samples, int]:
    """Samples as stored, [H, W] or [H, W, 3 or 4], and the EXIF orientation still to be applied."""
    encoded = np.frombuffer(data, np.uint8)
    try:
        samples, types, blocks = cv2.imdecodeWithMetadata(encoded, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        samples = None
    if samples is None:  # OpenCV 5 returns no picture at all for one that ends too soon
        raise UndecodableMediaError(f"The {kind} file is truncated or broken.")
    metadata = dict(zip(types, blocks, strict=True))
    exif = metadata.get(cv2.IMAGE_METADATA_EXIF)
    return samples, 1 if exif is None else headers.orientation(np.asarray(exif).tobytes())


def _eight_bit(samples: Samples, kind: Kind) -> NDArray[np.uint8]:
    if samples.dtype == np.uint16:
        return np.asarray(cv2.convertScaleAbs(samples, alpha=1 / 257), np.uint8)
    if samples.dtype == np.uint8:
        return samples.astype(np.uint8, copy=False)
    raise UndecodableMediaError(f"Samples of this {kind} picture's type are not read.")


def _colour(samples: NDArray[np.uint8], kind: Kind) -> Pixels:
    if samples.ndim == 2:
        return np.asarray(cv2.cvtColor(samples, cv2.COLOR_GRAY2BGR), np.uint8)
    colour = np.ascontiguousarray(samples[..., :3])
    if samples.shape[2] == 3 or kind is Kind.TIFF:  # libtiff has multiplied by the alpha already
        return colour
    alpha = cv2.cvtColor(samples[..., 3], cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.multiply(colour, alpha, scale=1 / 255), np.uint8)


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation: from 5 on rows and columns are exchanged, too."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


# --- clips ------------------------------------------------------------------------------------


class _Stream(io.BytesIO):
    """Bytes whose `seek` says -1 where another's raises, which would crash OpenCV 5.0."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return -1


def _open(data: bytes) -> Capture:
    """A capture that must never be sent `release()`: its destructor is what frees it.

    OpenCV 5.0 gives the interpreter's lock up in `release()` and then drops the last reference to
    the Python stream, which crashes the process.
    """
    # One thread: a worker has one core, and each thread of FFmpeg's holds a frame in memory.
    source = cast("cv2.IStreamReader", _Stream(data))
    return cast(Capture, cv2.VideoCapture(source, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]))


def read_clip(capture: Capture, limits: MediaLimits, progress: Progress | None = None) -> Clip:
    """All frames of an open capture; what `decode_clip` says of limits and errors holds here."""
    if not capture.isOpened():
        raise UndecodableMediaError("The clip has no video stream that can be decoded.")
    fps = _positive(capture.get(cv2.CAP_PROP_FPS))
    claimed = _positive(capture.get(cv2.CAP_PROP_FRAME_COUNT)) or 0
    # The count may be an estimate, so that it is no ground for refusal; the duration behind it is.
    if fps and (claimed - 1) / fps > limits.seconds:
        raise _too_long(limits)
    frames = []
    for frame in _frames(capture, fps or _FALLBACK_FPS, limits):
        frames.append(frame)
        if progress:
            progress("decode", len(frames), max(len(frames), int(claimed)))
    if not frames:
        raise UndecodableMediaError("No frame of the clip can be decoded.")
    if len(frames) == 1:
        raise TooFewFramesError("The clip has a single frame; a motion needs two.")
    return Clip(tuple(frames), fps)


def _frames(capture: Capture, fps: float, limits: MediaLimits) -> Iterator[Frame]:
    """The frames in the order of their time, every limit checked before a frame takes memory."""
    size = _size(capture)
    time_s, index = -1 / fps, 0
    _check_size(*size, limits.video_pixels, "video_pixels")
    while capture.grab():
        time_s = _time_after(time_s, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, fps)
        if index == limits.frames:
            raise LimitExceededError(f"The clip has more than {limits.frames} frames.", "frames")
        if time_s > limits.seconds:
            raise _too_long(limits)
        if (index + 1) * size[0] * size[1] > limits.clip_pixels:
            detail = f"The clip's frames have more than {limits.clip_pixels} pixels together."
            raise LimitExceededError(detail, "clip_pixels")
        retrieved, pixels = capture.retrieve()
        if not retrieved or pixels.shape[1::-1] != size:
            raise UndecodableMediaError("A frame of the clip is broken or of another size.")
        yield Frame(pixels, index, time_s)
        index += 1


def _time_after(previous_s: float, stamp_s: float, fps: float) -> float:
    """The frame's own time stamp, or, where it is missing or does not advance, the nominal time."""
    advances = stamp_s > previous_s and 0 <= stamp_s < math.inf
    return stamp_s if advances else previous_s + 1 / fps


def _size(capture: Capture) -> tuple[int, int]:
    width = capture.get(cv2.CAP_PROP_FRAME_WIDTH)
    return int(width), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))


def _positive(value: float) -> float | None:
    """A property of the container, or None where it is absent (0, negative or not a number)."""
    return value if 0 < value < math.inf else None


def _too_long(limits: MediaLimits) -> LimitExceededError:
    return LimitExceededError(f"The clip is longer than {limits.seconds:g} s.", "seconds")
