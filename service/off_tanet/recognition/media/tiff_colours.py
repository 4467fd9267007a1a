"""Conversion of the channels of a TIFF to grey or blue-green-red, with opacity if it has some."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.media import tiff, tiff_blocks, tiff_layout
from off_tanet.recognition.media.raster import Raster, Samples
from off_tanet.recognition.media.tiff_layout import Layout, Photometric

_ASSOCIATED, _UNASSOCIATED = 1, 2
_COLOURS = {
    Photometric.WHITE_IS_ZERO: 1,
    Photometric.BLACK_IS_ZERO: 1,
    Photometric.RGB: 3,
    Photometric.PALETTE: 1,
    Photometric.CMYK: 4,
}
_BAND_PIXELS = 1 << 20


def decode(data: bytes) -> Raster | None:
    """Decode a TIFF, except for codings that are left to OpenCV.

    OpenCV supports few depths, confuses the order of separate planes of 16 bits, and exchanges
    white and black for more than 8 bits.

    Returns:
        The image, or None if OpenCV has to decode it.

    Raises:
        UnsupportedTiffError: This kind of TIFF is not supported.
        LostBlockError: A part of a strip or tile is missing.
        ValueError: The file is invalid. Likewise LookupError and struct.error.
    """
    layout = tiff_layout.read(data)
    if layout.compression not in tiff_blocks.DECODED or layout.photometric not in _COLOURS:
        return None
    if layout.predictor not in (1, 2):
        raise tiff_layout.UnsupportedTiffError("TIFF with this predictor is not supported.")
    if layout.channels < _COLOURS[layout.photometric]:
        raise ValueError("too few channels")
    if tiff_blocks.is_old_lzw(data, layout):
        return None
    stored, suspect = tiff_blocks.samples(data, layout, tiff.byte_order(data))
    colours = _convert(stored, layout)
    alpha = _alpha(layout)
    if alpha is not None and alpha < layout.channels:
        colours = _add_opacity(colours, _scale_up(stored[..., alpha], layout.bits))
    return Raster(
        colours,
        bits=_depth(layout),
        min_bits=_bits_of_maximum(layout),
        premultiplied=alpha is not None and layout.extra[0] == _ASSOCIATED,
        orientation=layout.orientation if 1 <= layout.orientation <= 8 else 1,
        damaged=suspect,
    )


def _add_opacity(colours: Samples, opacity: Samples) -> Samples:
    channels = np.empty((*opacity.shape, 4), np.uint16 if opacity.itemsize == 2 else np.uint8)
    channels[..., :3] = colours if colours.ndim == 3 else colours[..., None]
    channels[..., 3] = opacity
    return channels


def _alpha(layout: Layout) -> int | None:
    """Return the index of the opacity's channel."""
    kind = layout.extra[:1]
    return _COLOURS[layout.photometric] if kind in ((_ASSOCIATED,), (_UNASSOCIATED,)) else None


def _depth(layout: Layout) -> int | None:
    """Return the significant bits of a sample, or None if the file does not declare them."""
    if layout.bits <= 8 or layout.photometric is Photometric.PALETTE:
        return 8
    if layout.bits < 16 or layout.photometric is Photometric.CMYK:
        return layout.bits
    return None


def _bits_of_maximum(layout: Layout) -> int:
    """Return the bits of the declared largest value; 0 for 65535, which is also the default."""
    maximum = layout.maximum or 0
    return maximum.bit_length() if maximum < (1 << 16) - 1 else 0


def _convert(stored: Samples, layout: Layout) -> Samples:
    """Convert to grey [H, W] or blue-green-red [H, W, 3]."""
    if layout.photometric is Photometric.PALETTE:
        return _apply_palette(stored[..., 0], layout)
    if layout.photometric is Photometric.RGB:
        return _scale_up(stored[..., 2::-1], layout.bits)
    if layout.photometric is Photometric.CMYK:
        return _convert_cmyk(_scale_up(stored[..., :4], layout.bits), layout.bits)
    grey = _scale_up(stored[..., 0], layout.bits)
    if layout.photometric is Photometric.WHITE_IS_ZERO:
        grey = grey ^ grey.dtype.type((1 << max(layout.bits, 8)) - 1)
    return grey


def _scale_up(samples: Samples, bits: int) -> Samples:
    """Scale samples of fewer than 8 bits to 8 bits."""
    if bits >= 8:
        return samples
    table = np.rint(np.arange(256) * (255 / ((1 << bits) - 1))).clip(0, 255).astype(np.uint8)
    return np.asarray(table[samples])


def _apply_palette(indexes: Samples, layout: Layout) -> NDArray[np.uint8]:
    """Look up palette colours: 16 bits each, all reds first. A few writers store 8 bits only."""
    count = 1 << layout.bits
    palette = np.array(layout.palette, np.uint16)
    if palette.size != 3 * count:
        raise ValueError("a palette of an invalid size")
    eight = palette if palette.max(initial=0) < 256 else palette >> 8
    table = np.ascontiguousarray(eight.reshape(3, count)[::-1].T.astype(np.uint8))
    return table[indexes]


def _convert_cmyk(inks: Samples, bits: int) -> Samples:
    """Convert cyan, magenta, yellow and black on white paper to blue-green-red."""
    paper = (1 << max(bits, 8)) - 1
    colours = np.empty((*inks.shape[:2], 3), inks.dtype)
    rows = max(1, _BAND_PIXELS // inks.shape[1])
    for top in range(0, len(inks), rows):
        band = paper - inks[top : top + rows].astype(np.uint32)
        colours[top : top + rows] = (band[..., 2::-1] * band[..., 3:] + paper // 2) // paper
    return colours
