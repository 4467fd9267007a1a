"""Bytes to pictures, in memory, within limits; what `clips` shares. Nothing is written to disk."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np

from off_tanet.errors import LimitExceededError, UndecodableMediaError, UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import (
    bmp,
    containers,
    jpeg,
    png,
    tiff,
    tiff_colours,
    tiff_jpeg,
    tiff_layout,
    unread_images,
    webp,
)
from off_tanet.recognition.media.bmp import UnreadBitmapError
from off_tanet.recognition.media.containers import Kind
from off_tanet.recognition.media.entropy import Outcome
from off_tanet.recognition.media.raster import Raster, Samples
from off_tanet.recognition.media.tiff_layout import UnreadTiffError
from off_tanet.types import Pixels

# What decoders say on stderr can quote an upload (a title, a chunk's bytes), and OpenCV has one
# level for the whole process and no other. (libpng and libjpeg cannot be told; their line about a
# broken file quotes a chunk's four letters at most.)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture. `damaged`: a part of it may not be what was taken."""

    pixels: Pixels
    damaged: bool = False


def decode_image(data: bytes, limits: MediaLimits) -> Pixels:
    """A PNG, JPEG, WebP, BMP or TIFF picture as BGR uint8 [H, W, 3], upright.

    Grey becomes colour, 16 bits are scaled to 8, an EXIF orientation is applied. Transparent
    parts become black, as they already are in the files that store premultiplied colours.

    Raises UnsupportedMediaError for other kinds of bytes, whatever their declared type,
    LimitExceededError before the memory is taken, and UndecodableMediaError for empty, truncated
    or broken files.
    """
    raster = _raster(data, limits)
    return raster.pixels(raster.depth)


def decode_pair(onset: bytes, apex: bytes, limits: MediaLimits) -> tuple[Picture, Picture]:
    """Two pictures of one recording: where their files do not tell how many bits are in use, the
    same number is taken for both, so that a motion is not a change of brightness, too.

    Raises like `decode_image`.
    """
    first = _raster(onset, limits)
    depth = first.depth
    if not first.is_guessed or depth == 16:  # the other changes nothing, and memory is let go
        picture = Picture(first.pixels(depth), first.damaged)
        del first
        return picture, _beside(_raster(apex, limits), depth)
    second = _raster(apex, limits)
    depth = max(depth, second.depth)
    return Picture(first.pixels(depth), first.damaged), _beside(second, depth)


def _beside(raster: Raster, depth: int) -> Picture:
    """The second picture of a pair whose first one has samples of `depth` bits."""
    own = raster.depth
    pixels = raster.pixels(max(own, depth) if raster.is_guessed else own)
    return Picture(pixels, raster.damaged)


def accepted(data: bytes, kinds: tuple[Kind, ...], limits: MediaLimits) -> Kind:
    """The kind of the bytes, one of `kinds`, whole as far as they tell; raises a MediaError."""
    if not data:
        raise UndecodableMediaError("The upload is empty.")
    if len(data) > limits.upload_bytes:
        detail = f"The upload has more than {limits.upload_bytes} bytes."
        raise LimitExceededError(detail, "upload_bytes")
    kind = containers.kind_of(data)
    if kind not in kinds:
        raise UnsupportedMediaError(f"The upload is none of {', '.join(kinds)}.")
    if not containers.is_whole(data, kind):
        raise UndecodableMediaError(f"The {kind} file is truncated or broken.")
    return kind


def check_size(width: int, height: int, pixels: int, limit: str) -> None:
    """Raises LimitExceededError, which names `limit`, for more than so many `pixels`."""
    if width * height > pixels:
        detail = f"{width} x {height} pixels are more than the limit of {pixels}."
        raise LimitExceededError(detail, limit)


# --- pictures ---------------------------------------------------------------------------------


def _raster(data: bytes, limits: MediaLimits) -> Raster:
    """The picture's samples. Raises a MediaError."""
    try:
        kind = accepted(data, containers.PICTURES, limits)
    except UnsupportedMediaError:
        if (found := unread_images.named(data)) is None:
            raise
        raise UnsupportedMediaError(found.told("picture")) from None
    width, height = containers.picture_size(data, kind)
    check_size(width, height, limits.image_pixels, "image_pixels")
    try:
        raster = _DECODERS[kind](data)
    except (UnreadBitmapError, UnreadTiffError) as error:
        raise UnsupportedMediaError(str(error)) from None
    except (struct.error, LookupError, ValueError, cv2.error):
        raise UndecodableMediaError(f"The {kind} file is truncated or broken.") from None
    if raster.samples.shape[0] * raster.samples.shape[1] > width * height:
        raise UndecodableMediaError(f"The {kind} picture is larger than it says.")
    return raster


def _decoded_png(data: bytes) -> Raster:
    raster = _by_opencv(png.still(data))
    raster = replace(raster, orientation=png.orientation(data) or raster.orientation)
    hidden = png.transparent_grey(data)
    if hidden is not None and raster.samples.ndim == 2:  # which OpenCV passes over
        raster.samples[raster.samples == hidden] = 0
    if raster.samples.dtype == np.uint8:
        return raster
    # By the standard they are the upper ones; cameras' programs fill the lower ones, too.
    return replace(raster, least_bits=png.significant_bits(data))


def _decoded_jpeg(data: bytes) -> Raster:
    data, outcome = jpeg.whole(data)
    if outcome is Outcome.LOST:
        raise ValueError("a part of the picture is missing")
    return replace(_by_opencv(data), damaged=outcome is Outcome.SUSPECT)


def _decoded_webp(data: bytes) -> Raster:
    raster = _by_opencv(data)
    shortened = webp.shortened(data)
    return replace(raster, damaged=shortened is not None and _is_decodable(shortened))


def _decoded_tiff(data: bytes) -> Raster:
    raster = tiff_colours.decode(data)
    if raster is not None:
        return raster
    damaged = tiff_jpeg.is_damaged(data)
    try:
        raster = _by_opencv(tiff.as_stored(data))
    except (ValueError, cv2.error):
        raise UnreadTiffError(tiff_layout.coding_of(data)) from None
    # libtiff has multiplied by the opacity already.
    turned = tiff.orientation(data)
    return replace(raster, multiplied=True, damaged=damaged, orientation=turned)


_DECODERS: Mapping[Kind, Callable[[bytes], Raster]] = {
    Kind.PNG: _decoded_png,
    Kind.JPEG: _decoded_jpeg,
    Kind.WEBP: _decoded_webp,
    Kind.BMP: bmp.decode,
    Kind.TIFF: _decoded_tiff,
}


def _by_opencv(data: bytes) -> Raster:
    """Samples as stored and the EXIF orientation. Raises ValueError or cv2.error."""
    encoded = np.frombuffer(data, np.uint8)
    samples, types, blocks = cv2.imdecodeWithMetadata(encoded, cv2.IMREAD_UNCHANGED)
    if samples is None:  # OpenCV 5 returns no picture at all for one that ends too soon
        raise ValueError("the picture ends too soon")
    metadata = dict(zip(types, blocks, strict=True))
    exif = metadata.get(cv2.IMAGE_METADATA_EXIF)
    orientation = 1 if exif is None else tiff.orientation(np.asarray(exif).tobytes())
    if samples.dtype not in (np.uint8, np.uint16):
        raise UndecodableMediaError("Samples of this picture's type are not read.")
    return Raster(cast(Samples, samples), orientation=orientation)


def _is_decodable(data: bytes) -> bool:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is not None
    except cv2.error:
        return False
