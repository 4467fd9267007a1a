"""Decoding of images in memory and within limits, and checks that `video` shares."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np

from off_tanet.errors import LimitExceededError, UndecodableMediaError, UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import (
    bmp,
    containers,
    entropy,
    jpeg,
    png,
    tiff,
    tiff_colours,
    tiff_jpeg,
    tiff_layout,
    unsupported_images,
    webp,
)
from off_tanet.recognition.media.bmp import UnsupportedBitmapError
from off_tanet.recognition.media.containers import Kind
from off_tanet.recognition.media.entropy import Outcome
from off_tanet.recognition.media.raster import Raster, Samples
from off_tanet.recognition.media.tiff_layout import UnsupportedTiffError
from off_tanet.types import Pixels

# Log lines of decoders on stderr may quote an upload (a title, bytes of a chunk). OpenCV has one
# log level, for the whole process. (libpng and libjpeg have no setting; their line about a broken
# file quotes at most the four letters of a chunk.)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_REDUCTIONS: Mapping[int, int] = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A decoded image.

    Attributes:
        pixels: Blue-green-red, [H, W, 3], uint8, upright.
        damaged: Whether a part of the image may differ from the original.
    """

    pixels: Pixels
    damaged: bool = False


def decode_image(data: bytes, limits: MediaLimits) -> Pixels:
    """Decode a PNG, JPEG, WebP, BMP or TIFF image.

    Grey is converted to colour, 16 bits are scaled to 8, and an EXIF orientation is applied.
    Transparent parts become black, as they already are in files with premultiplied colours.

    Args:
        data: The file. Its kind is determined by its first bytes.
        limits: `upload_bytes` and `image_pixels` apply.

    Returns:
        Blue-green-red, [H, W, 3], uint8, upright.

    Raises:
        UnsupportedMediaError: The file is of another kind.
        LimitExceededError: A limit is exceeded; raised before memory for pixels is allocated.
        UndecodableMediaError: The file is empty, truncated or broken.
    """
    raster = _decode(data, limits)
    return raster.to_pixels(raster.depth)


def decode_pair(
    onset: bytes, apex: bytes, limits: MediaLimits, reduction: int = 1
) -> tuple[DecodedImage, DecodedImage]:
    """Decode two images of one recording.

    If the files do not declare the significant bits of their samples, the same number is used for
    both. Otherwise the brightness would differ between the two.

    Args:
        onset: The file of the first image.
        apex: The file of the second image.
        limits: `upload_bytes` and `image_pixels` apply to each.
        reduction: By how much width and height of JPEG images are reduced: 1, 2, 4 or 8. Images
            that are reduced are decoded at the same time.

    Returns:
        The two images, with whether each is damaged.

    Raises:
        MediaError: As for `decode_image`.
    """
    if reduction > 1:
        return _decode_both(onset, apex, limits, reduction)
    first = _decode(onset, limits)
    depth = first.depth
    if not first.is_depth_estimated or depth == 16:  # independent of the second: free memory first
        image = DecodedImage(first.to_pixels(depth), first.damaged)
        del first
        return image, _convert_second(_decode(apex, limits), depth)
    second = _decode(apex, limits)
    depth = max(depth, second.depth)
    return DecodedImage(first.to_pixels(depth), first.damaged), _convert_second(second, depth)


def decode_frames(files: Iterable[bytes], limits: MediaLimits) -> Iterator[DecodedImage]:
    """Decode the images of one recording one by one.

    As in `decode_pair`, samples whose significant bits are not declared have those of the images
    before, so that the brightness stays comparable.

    Args:
        files: The file of each image.
        limits: `upload_bytes` and `image_pixels` apply to each.

    Yields:
        Each image, with whether it is damaged.

    Raises:
        MediaError: As for `decode_image`.
    """
    depth = 0
    for data in files:
        raster = _decode(data, limits)
        depth = max(depth, raster.depth)
        yield _convert_second(raster, depth)


def _decode_both(
    onset: bytes, apex: bytes, limits: MediaLimits, reduction: int
) -> tuple[DecodedImage, DecodedImage]:
    """Decode two large JPEG images in two threads: with a free core, in half of the time."""

    def decode(data: bytes) -> DecodedImage:
        raster = _decode(data, limits, reduction)
        return DecodedImage(raster.to_pixels(raster.depth), raster.damaged)

    with ThreadPoolExecutor(1, "off-tanet-decoding") as threads:
        second = threads.submit(decode, apex)
        return decode(onset), second.result()


def _convert_second(raster: Raster, depth: int) -> DecodedImage:
    """Convert the second image of a pair whose first one has samples of `depth` bits."""
    own = raster.depth
    pixels = raster.to_pixels(max(own, depth) if raster.is_depth_estimated else own)
    return DecodedImage(pixels, raster.damaged)


def validate_upload(data: bytes, kinds: tuple[Kind, ...], limits: MediaLimits) -> Kind:
    """Check that an upload is one of `kinds`, complete and not too large.

    Args:
        data: The file.
        kinds: The kinds that are accepted.
        limits: `upload_bytes` applies.

    Returns:
        The kind of the file.

    Raises:
        MediaError: The check failed.
    """
    if not data:
        raise UndecodableMediaError("The upload is empty.")
    if len(data) > limits.upload_bytes:
        detail = f"The upload has more than {limits.upload_bytes} bytes."
        raise LimitExceededError(detail, "upload_bytes")
    kind = containers.kind_of(data)
    if kind not in kinds:
        raise UnsupportedMediaError(
            f"The upload is not one of the supported formats: {', '.join(kinds)}."
        )
    if not containers.is_whole(data, kind):
        raise UndecodableMediaError(f"The {kind} file is truncated or broken.")
    return kind


def check_size(width: int, height: int, pixels: int, limit: str) -> None:
    """Check a size in pixels against a limit.

    Args:
        width: Width in pixels.
        height: Height in pixels.
        pixels: The largest area that is allowed.
        limit: The name of this limit, for the error.

    Raises:
        LimitExceededError: The area is larger.
    """
    if width * height > pixels:
        detail = f"{width} x {height} pixels exceed the limit of {pixels} pixels."
        raise LimitExceededError(detail, limit)


def _decode(data: bytes, limits: MediaLimits, reduction: int = 1) -> Raster:
    """Decode the samples of an image. Raises a MediaError."""
    try:
        kind = validate_upload(data, containers.PICTURES, limits)
    except UnsupportedMediaError:
        if (found := unsupported_images.identify(data)) is None:
            raise
        raise UnsupportedMediaError(found.refusal("image")) from None
    width, height = containers.picture_size(data, kind)
    check_size(width, height, limits.image_pixels, "image_pixels")
    try:
        raster = _decode_jpeg(data, reduction) if kind is Kind.JPEG else _DECODERS[kind](data)
    except (UnsupportedBitmapError, UnsupportedTiffError) as error:
        raise UnsupportedMediaError(str(error)) from None
    except (struct.error, LookupError, ValueError, cv2.error):
        raise UndecodableMediaError(f"The {kind} file is truncated or broken.") from None
    if raster.samples.shape[0] * raster.samples.shape[1] > width * height:
        raise UndecodableMediaError(f"The {kind} image is larger than its header declares.")
    return raster


def _decode_png(data: bytes) -> Raster:
    raster = _decode_with_opencv(png.strip_extras(data))
    raster = replace(raster, orientation=png.orientation(data) or raster.orientation)
    transparent = png.transparent_grey(data)
    if transparent is not None and raster.samples.ndim == 2:  # OpenCV ignores it
        raster.samples[raster.samples == transparent] = 0
    if raster.samples.dtype == np.uint8:
        return raster
    # By the standard these are the upper bits; programs of cameras use the lower ones, too.
    return replace(raster, min_bits=png.significant_bits(data))


def _decode_jpeg(data: bytes, reduction: int) -> Raster:
    outcome = entropy.walk_jpeg(data)
    if outcome is Outcome.LOST:
        raise ValueError("a part of the image is missing")
    # libjpeg computes fewer frequencies of each block, in a third of the time or less.
    flags = cv2.IMREAD_UNCHANGED
    if reduction > 1:
        flags = _REDUCTIONS[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
    raster = _decode_with_opencv(jpeg.append_end_marker(data), flags)
    return replace(raster, damaged=outcome is Outcome.SUSPECT)


def _decode_webp(data: bytes) -> Raster:
    raster = _decode_with_opencv(data)
    truncated = webp.truncate(data)
    return replace(raster, damaged=truncated is not None and _is_decodable(truncated))


def _decode_tiff(data: bytes) -> Raster:
    raster = tiff_colours.decode(data)
    if raster is not None:
        return raster
    damaged = tiff_jpeg.is_damaged(data)
    try:
        raster = _decode_with_opencv(tiff.reset_orientation(data))
    except (ValueError, cv2.error):
        raise UnsupportedTiffError(tiff_layout.unsupported_coding(data)) from None
    orientation = tiff.orientation(data)
    # libtiff has already multiplied the colours by the opacity.
    return replace(raster, premultiplied=True, damaged=damaged, orientation=orientation)


_DECODERS: Mapping[Kind, Callable[[bytes], Raster]] = {
    Kind.PNG: _decode_png,
    Kind.WEBP: _decode_webp,
    Kind.BMP: bmp.decode,
    Kind.TIFF: _decode_tiff,
}


def _decode_with_opencv(data: bytes, flags: int = cv2.IMREAD_UNCHANGED) -> Raster:
    """Decode samples as stored, with the EXIF orientation. Raises ValueError or cv2.error."""
    encoded = np.frombuffer(data, np.uint8)
    samples, types, blocks = cv2.imdecodeWithMetadata(encoded, flags)
    if samples is None:  # OpenCV 5 returns nothing for a truncated image
        raise ValueError("the image is truncated")
    metadata = dict(zip(types, blocks, strict=True))
    exif = metadata.get(cv2.IMAGE_METADATA_EXIF)
    orientation = 1 if exif is None else tiff.orientation(np.asarray(exif).tobytes())
    if samples.dtype not in (np.uint8, np.uint16):
        raise UndecodableMediaError("An image with samples of this type is not supported.")
    return Raster(cast(Samples, samples), orientation=orientation)


def _is_decodable(data: bytes) -> bool:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is not None
    except cv2.error:
        return False
