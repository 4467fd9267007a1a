"""From the channels of a TIFF to grey or blue-green-red, with opacity where there is some."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.media import tiff, tiff_blocks, tiff_layout
from off_tanet.recognition.media.raster import Raster
from off_tanet.recognition.media.tiff_blocks import Samples
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
    """The picture; None where its coding is left to OpenCV.

    OpenCV reads few depths, gets the order of separate planes of 16 bits wrong, and takes white for
    black where there are more than 8. Raises UnreadTiffError, LostBlockError and, for what says
    nothing sensible, ValueError, LookupError and struct.error.
    """
    layout = tiff_layout.read(data)
    if layout.compression not in tiff_blocks.DECODED or layout.photometric not in _COLOURS:
        return None
    if layout.predictor not in (1, 2):
        raise tiff_layout.UnreadTiffError("A TIFF of this predictor is not read.")
    if layout.channels < _COLOURS[layout.photometric]:
        raise ValueError("too few channels")
    if tiff_blocks.is_old_lzw(data, layout):
        return None
    stored, suspect = tiff_blocks.samples(data, layout, tiff.byte_order(data))
    colours = _coloured(stored, layout)
    alpha = _alpha(layout)
    if alpha is not None and alpha < layout.channels:
        colours = _with_opacity(colours, _full(stored[..., alpha], layout.bits))
    return Raster(
        colours,
        bits=_depth(layout),
        least_bits=_told_bits(layout),
        multiplied=alpha is not None and layout.extra[0] == _ASSOCIATED,
        orientation=layout.orientation if 1 <= layout.orientation <= 8 else 1,
        damaged=suspect,
    )


def _with_opacity(colours: Samples, opacity: Samples) -> Samples:
    channels = np.empty((*opacity.shape, 4), np.uint16 if opacity.itemsize == 2 else np.uint8)
    channels[..., :3] = colours if colours.ndim == 3 else colours[..., None]
    channels[..., 3] = opacity
    return channels


def _alpha(layout: Layout) -> int | None:
    """The channel of the opacity."""
    told = layout.extra[:1]
    return _COLOURS[layout.photometric] if told in ((_ASSOCIATED,), (_UNASSOCIATED,)) else None


def _depth(layout: Layout) -> int | None:
    """The bits of the samples that are in use, where the file tells."""
    if layout.bits <= 8 or layout.photometric is Photometric.PALETTE:
        return 8
    if layout.bits < 16 or layout.photometric is Photometric.CMYK:
        return layout.bits
    return None


def _told_bits(layout: Layout) -> int:
    """Those that the largest value has; 65535 is what is meant where nothing is told, too."""
    told = layout.maximum or 0
    return told.bit_length() if told < (1 << 16) - 1 else 0


def _coloured(stored: Samples, layout: Layout) -> Samples:
    """Grey [H, W] or blue-green-red [H, W, 3]."""
    if layout.photometric is Photometric.PALETTE:
        return _looked_up(stored[..., 0], layout)
    if layout.photometric is Photometric.RGB:
        return _full(stored[..., 2::-1], layout.bits)
    if layout.photometric is Photometric.CMYK:
        return _printed(_full(stored[..., :4], layout.bits), layout.bits)
    grey = _full(stored[..., 0], layout.bits)
    if layout.photometric is Photometric.WHITE_IS_ZERO:
        grey = grey ^ grey.dtype.type((1 << max(layout.bits, 8)) - 1)
    return grey


def _full(samples: Samples, bits: int) -> Samples:
    """Samples of fewer than 8 bits, stretched to 8."""
    if bits >= 8:
        return samples
    table = np.rint(np.arange(256) * (255 / ((1 << bits) - 1))).clip(0, 255).astype(np.uint8)
    return np.asarray(table[samples])


def _looked_up(numbers: Samples, layout: Layout) -> NDArray[np.uint8]:
    """A palette's colours: 16 bits each, all reds first. A few writers fill in 8 bits only."""
    count = 1 << layout.bits
    palette = np.array(layout.palette, np.uint16)
    if palette.size != 3 * count:
        raise ValueError("a palette of another size")
    eight = palette if palette.max(initial=0) < 256 else palette >> 8
    table = np.ascontiguousarray(eight.reshape(3, count)[::-1].T.astype(np.uint8))
    return table[numbers]


def _printed(inks: Samples, bits: int) -> Samples:
    """Cyan, magenta, yellow and black on white paper."""
    paper = (1 << max(bits, 8)) - 1
    colours = np.empty((*inks.shape[:2], 3), inks.dtype)
    rows = max(1, _BAND_PIXELS // inks.shape[1])
    for top in range(0, len(inks), rows):
        band = paper - inks[top : top + rows].astype(np.uint32)
        colours[top : top + rows] = (band[..., 2::-1] * band[..., 3:] + paper // 2) // paper
    return colours
