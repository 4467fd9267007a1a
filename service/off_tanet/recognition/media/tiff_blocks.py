"""Decoding of the strips and tiles of a TIFF into an array."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator

import numpy as np

from off_tanet.recognition.media import entropy
from off_tanet.recognition.media.entropy import Bytes, Outcome
from off_tanet.recognition.media.raster import Samples
from off_tanet.recognition.media.tiff_layout import Compression, Layout

_DEFLATE = (Compression.DEFLATE, Compression.OLD_DEFLATE)
DECODED = (Compression.NONE, Compression.LZW, Compression.PACKBITS, Compression.LZMA, *_DEFLATE)
"""The compressions that are decoded here."""

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_MAX_BITS = 1 << 24  # unpacked at once, to a byte each
_MAX_SAMPLES = 1 << 22  # copied at once


class LostBlockError(ValueError):
    """A part of a strip or tile is missing or cannot be decoded."""


def samples(data: bytes, layout: Layout, order: str) -> tuple[Samples, bool]:
    """Decode all channels of an image.

    Args:
        data: The file.
        layout: Its layout.
        order: The byte order of its 16-bit samples, `<` or `>`.

    Returns:
        The samples [H, W, channels] as uint8 or uint16, and whether the data look damaged.

    Raises:
        LostBlockError: A part of a strip or tile is missing.
    """
    decoded = _empty((layout.height, layout.width, layout.channels), layout.bits)
    suspect = False
    for (start, length), (down, across, channels) in _blocks(layout):
        height = down.stop - down.start
        # The last strip ends with the image, a tile may extend beyond it.
        rows = layout.block_height if layout.tiled else height
        stored, outcome = _decompress(data[start : start + length], layout, rows)
        if outcome >= Outcome.LOST:
            raise LostBlockError("a strip or tile is incomplete")
        suspect |= outcome is not Outcome.WHOLE
        block = _unpack(stored, layout, order, rows)[:height]
        _copy_block(block, decoded[down, across, channels], layout)
    return decoded, suspect


def _copy_block(block: Samples, target: Samples, layout: Layout) -> None:
    """Copy a block into the image, a few rows at once since it may be the whole image."""
    width = target.shape[1]
    step = max(1, _MAX_SAMPLES // (block.shape[1] * block.shape[2]))
    for top in range(0, len(block), step):
        target[top : top + step] = block[top : top + step, :width]
        if layout.predictor == 2:
            _undo_predictor(target[top : top + step], layout.bits)


def is_old_lzw(data: bytes, layout: Layout) -> bool:
    """Return whether the first block is in LZW with the last bit first, as before 1992."""
    start = layout.extents[0][0]
    first = data[start : start + 2]
    return layout.compression is Compression.LZW and first[:1] == b"\0" and first[1:] > b"\0"


def _empty(shape: tuple[int, ...], bits: int) -> Samples:
    return np.empty(shape, np.uint8) if bits <= 8 else np.empty(shape, np.uint16)


def _undo_predictor(block: Samples, bits: int) -> None:
    """Convert differences along each row to samples in place (section 14)."""
    np.cumsum(block, axis=1, dtype=block.dtype, out=block)
    block &= block.dtype.type((1 << bits) - 1)


def _blocks(layout: Layout) -> Iterator[tuple[tuple[int, int], tuple[slice, slice, slice]]]:
    """Yield offset and length of each block in the file, and its slices of the image."""
    extents = iter(layout.extents)
    for channel in range(layout.channels if layout.separate else 1):
        channels = slice(channel, channel + layout.block_channels)
        for y in range(0, layout.height, layout.block_height):
            down = slice(y, min(y + layout.block_height, layout.height))
            for x in range(0, layout.width, layout.block_width):
                across = slice(x, min(x + layout.block_width, layout.width))
                yield next(extents), (down, across, channels)


def _row_bytes(layout: Layout) -> int:
    return (layout.block_width * layout.block_channels * layout.bits + 7) // 8


def _decompress(stored: bytes, layout: Layout, rows: int) -> tuple[Bytes, Outcome]:
    """Decompress a block to the size that its layout requires."""
    size = rows * _row_bytes(layout)
    if layout.reversed_bits:
        stored = stored.translate(_REVERSED)
    if layout.compression is Compression.LZW:
        return entropy.decode_lzw(stored, size)
    if layout.compression is Compression.PACKBITS:
        return entropy.decode_packbits(stored, size)
    outcome = Outcome.WHOLE
    if layout.compression in _DEFLATE:
        stored, outcome = _inflate(stored, size)
    elif layout.compression is Compression.LZMA:
        stored, outcome = _decompress_lzma(stored, size)
    if len(stored) < size:
        return np.zeros(size, np.uint8), Outcome.LOST
    return np.frombuffer(stored, np.uint8, size), outcome


def _inflate(stored: bytes, size: int) -> tuple[bytes, Outcome]:
    """Inflate up to the checksum, which decoders skip once they have enough data."""
    inflater = zlib.decompressobj()
    try:
        decoded = inflater.decompress(stored, size) if size else b""
        inflater.decompress(inflater.unconsumed_tail, 1)
    except zlib.error:
        return b"", Outcome.LOST
    return decoded, Outcome.WHOLE if inflater.eof else Outcome.SUSPECT


def _decompress_lzma(stored: bytes, size: int) -> tuple[bytes, Outcome]:
    try:
        expander = lzma.LZMADecompressor(memlimit=1 << 27)
        return expander.decompress(stored, size), Outcome.WHOLE
    except (lzma.LZMAError, EOFError):
        return b"", Outcome.LOST


def _unpack(stored: Bytes, layout: Layout, order: str, rows: int) -> Samples:
    """Unpack the samples of a block, [rows, width, channels]."""
    shape = rows, layout.block_width, layout.block_channels
    lines = stored.reshape(rows, -1)
    if layout.bits == 8:
        return lines.reshape(shape)
    if layout.bits == 16:
        return lines.view(f"{order}u2").reshape(shape)
    values = shape[1] * shape[2]
    unpacked = _empty((rows, values), layout.bits)
    weights = 1 << np.arange(layout.bits - 1, -1, -1, dtype=np.uint16)
    step = max(1, _MAX_BITS // (values * layout.bits))
    for top in range(0, rows, step):
        bits = np.unpackbits(lines[top : top + step], axis=1, count=values * layout.bits)
        unpacked[top : top + step] = bits.reshape(len(bits), values, layout.bits) @ weights
    return unpacked.reshape(shape)
