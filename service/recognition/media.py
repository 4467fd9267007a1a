"""Bytes to pictures, in memory, within limits; what `clips` shares. Nothing is written to disk."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from service.recognition import headers, png, tiff
from service.recognition.errors import (
    LimitExceededError,
    UndecodableMediaError,
    UnsupportedMediaError,
)
from service.recognition.headers import Kind
from service.recognition.types import Pixels

# What decoders say on stderr can quote an upload (a title, a chunk's bytes), and OpenCV has one
# level for the whole process and no other. (libpng and libjpeg cannot be told; their line about a
# broken file quotes a chunk's four letters at most.)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

Samples = NDArray[np.integer | np.floating]


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What an upload may cost. An error names the field that was exceeded.

    `upload_bytes`: the encoded file; `video_bytes`: that of a long video. `image_pixels`: width x
    height of a picture, 3 bytes each.
    `video_pixels`: width x height of a clip's or video's frame. `frames` and `seconds`: a clip's
    length. `video_frames` and `video_seconds`: the length of a long video.
    """

    upload_bytes: int = 50_000_000
    video_bytes: int = 128 << 20
    image_pixels: int = 51_000_000  # telephones take 8160 x 6144
    video_pixels: int = 4096 * 2304
    frames: int = 1000
    seconds: float = 30.0
    video_frames: int = 72_000
    video_seconds: float = 1200.0


def decode_image(data: bytes, limits: MediaLimits) -> Pixels:
    """A PNG, JPEG, WebP, BMP or TIFF picture as BGR uint8 [H, W, 3], upright.

    Grey becomes colour, 16 bits are scaled to 8, an EXIF orientation is applied. Transparent
    parts become black, as they already are in the files that store premultiplied colours.

    Raises UnsupportedMediaError for other kinds of bytes, whatever their declared type,
    LimitExceededError before the memory is taken, and UndecodableMediaError for empty, truncated
    or broken files.
    """
    kind = accepted(data, headers.PICTURES, limits)
    width, height = headers.picture_size(data, kind)
    check_size(width, height, limits.image_pixels, "image_pixels")
    samples, orientation = _samples(data, kind)
    if samples.shape[0] * samples.shape[1] > width * height:
        raise UndecodableMediaError(f"The {kind} picture is larger than it says.")
    return _upright(_colour(_eight_bit(samples, kind), kind), orientation)


def accepted(data: bytes, kinds: tuple[Kind, ...], limits: MediaLimits) -> Kind:
    """The kind of the bytes, one of `kinds`, whole as far as they tell; raises a MediaError."""
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


def check_size(width: int, height: int, pixels: int, limit: str) -> None:
    """Raises LimitExceededError, which names `limit`, for more than so many `pixels`."""
    if width * height > pixels:
        detail = f"{width} x {height} pixels are more than the limit of {pixels}."
        raise LimitExceededError(detail, limit)


# --- pictures ---------------------------------------------------------------------------------


def _samples(data: bytes, kind: Kind) -> tuple[Samples, int]:
    """Samples as stored, [H, W] or [H, W, 3 or 4], and the EXIF orientation still to be applied."""
    encoded = np.frombuffer(png.still(data) if kind is Kind.PNG else data, np.uint8)
    try:
        samples, types, blocks = cv2.imdecodeWithMetadata(encoded, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        samples = None
    if samples is None:  # OpenCV 5 returns no picture at all for one that ends too soon
        raise UndecodableMediaError(f"The {kind} file is truncated or broken.")
    metadata = dict(zip(types, blocks, strict=True))
    exif = metadata.get(cv2.IMAGE_METADATA_EXIF)
    return samples, 1 if exif is None else tiff.orientation(np.asarray(exif).tobytes())


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
