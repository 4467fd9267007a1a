"""Decoding of bitmaps of Windows and OS/2.

OpenCV is not used for them. With bit fields it always reads the fourth byte of a pixel as opacity,
even if the file declares none, and the image becomes black. In run-length coded bitmaps it ignores
missing data.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.media import entropy
from off_tanet.recognition.media.entropy import Outcome
from off_tanet.recognition.media.raster import Raster

HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_OS2 = (12, 16, 64)

_PLAIN, _BIT_FIELDS, _ALPHA_BIT_FIELDS = 0, 3, 6
_RUNS = {1: 8, 2: 4}  # run-length codings and their bits per pixel
_DEPTHS = (1, 2, 4, 8, 16, 24, 32)
_EMBEDDED = {4: "a JPEG", 5: "a PNG"}

_Masks = tuple[int, int, int, int]  # red, green, blue, opacity
_DEFAULT_MASKS: dict[int, _Masks] = {
    16: (0x7C00, 0x3E0, 0x1F, 0),
    32: (0xFF0000, 0xFF00, 0xFF, 0),
}
_BAND_PIXELS = 1 << 20


class UnsupportedBitmapError(ValueError):
    """A kind of bitmap that is not supported; the message names it."""


@dataclass(frozen=True, slots=True)
class _Header:
    size: int  # of this header in bytes, after the 14 bytes of the file header
    width: int
    height: int
    top_first: bool
    bits: int
    coding: int
    colours: int
    start: int  # offset of the pixels

    @property
    def row_bytes(self) -> int:
        return (self.width * self.bits + 31) // 32 * 4


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels. Raises struct.error."""
    header = _header(data)
    return header.width, header.height


def decode(data: bytes) -> Raster:
    """Decode a bitmap.

    Returns:
        Samples in blue-green-red, or with opacity where the file has some, uint8.

    Raises:
        UnsupportedBitmapError: The coding or depth is not supported.
        ValueError: The header is invalid, or pixels are missing.
        struct.error: The header is cut short.
    """
    header = _header(data)
    _check(header)
    damaged = False
    if header.bits in (1, 2, 4, 8):
        samples, damaged = _decode_indexed(data, header)
    elif header.bits == 24:
        rows = _rows(data, header)[:, : 3 * header.width]
        samples = rows.reshape(header.height, header.width, 3)
    else:
        samples = _decode_bit_fields(_rows(data, header), header, _masks(data, header))
    samples = samples if header.top_first else samples[::-1]
    return Raster(np.ascontiguousarray(samples), damaged=damaged)


def _check(header: _Header) -> None:
    """Raise UnsupportedBitmapError, or ValueError for a depth that does not exist."""
    if header.coding in _EMBEDDED:
        raise UnsupportedBitmapError(
            f"BMP that contains {_EMBEDDED[header.coding]} is not supported."
        )
    is_os2 = header.size in _OS2
    read = (_PLAIN, *_RUNS) if is_os2 else (_PLAIN, *_RUNS, _BIT_FIELDS, _ALPHA_BIT_FIELDS)
    if header.coding not in read:
        raise UnsupportedBitmapError("BMP in this coding is not supported.")
    if header.bits == 64:
        raise UnsupportedBitmapError("BMP with 64 bits per pixel is not supported.")
    if header.bits not in _DEPTHS or header.bits != _RUNS.get(header.coding, header.bits):
        raise ValueError("an invalid depth")


def _header(data: bytes) -> _Header:
    start, size = struct.unpack_from("<II", data, 10)
    if size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return _Header(size, width, height, False, bits, _PLAIN, 0, start)
    width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    coding, colours = 0, 0
    if size > 16:
        coding, _, _, _, colours = struct.unpack_from("<IIiiI", data, 30)
    # A negative height means that the top row comes first.
    return _Header(size, width, abs(height), height < 0, bits, coding, colours, start)


def _rows(data: bytes, header: _Header) -> NDArray[np.uint8]:
    needed = header.row_bytes * header.height
    # Some writers leave out the padding of the last row.
    spare = header.row_bytes - (header.width * header.bits + 7) // 8
    available = len(data) - header.start
    if not 0 < needed - spare <= available:
        raise ValueError("pixels are missing")
    stored = np.frombuffer(data, np.uint8, min(needed, available), header.start)
    if len(stored) < needed:
        stored = np.concatenate([stored, np.zeros(needed - len(stored), np.uint8)])
    return stored.reshape(header.height, header.row_bytes)


def _palette(data: bytes, header: _Header) -> tuple[NDArray[np.uint8], int]:
    """Return the colours [2 ** bits, 3], black where none is stored, and the palette's end."""
    entry = 3 if header.size == 12 else 4
    offset = 14 + header.size
    count = min(header.colours or 1 << header.bits, 1 << header.bits)
    if header.start > offset:
        count = min(count, (header.start - offset) // entry)
    stored = np.frombuffer(data, np.uint8, entry * count, offset).reshape(count, entry)
    palette = np.zeros((1 << header.bits, 3), np.uint8)
    palette[:count] = stored[:, :3]
    return palette, offset + entry * count


def _decode_indexed(data: bytes, header: _Header) -> tuple[NDArray[np.uint8], bool]:
    """Decode pixels that are palette indexes. Return them and whether the data look damaged."""
    palette, end = _palette(data, header)
    # Pixels that are declared to start within the palette start after it.
    header = replace(header, start=max(header.start, end))
    samples = np.empty((header.height, header.width, 3), np.uint8)
    if header.coding in _RUNS:
        body = data[header.start :]
        indexes, outcome = entropy.decode_bitmap_runs(
            body, header.width, header.height, header.bits
        )
        if outcome is Outcome.LOST:
            raise ValueError("pixels are missing")
        for band in _bands(header):
            samples[band] = palette[indexes[band]]
        return samples, outcome is Outcome.SUSPECT
    rows = _rows(data, header)
    shifts = np.arange(8 // header.bits - 1, -1, -1, dtype=np.uint8) * np.uint8(header.bits)
    mask = np.uint8((1 << header.bits) - 1)
    for band in _bands(header):
        indexes = (rows[band, :, None] >> shifts & mask).reshape(len(rows[band]), -1)
        samples[band] = palette[indexes[:, : header.width]]
    return samples, False


def _masks(data: bytes, header: _Header) -> _Masks:
    """Return the bit masks of the colours; an empty mask of the opacity means no opacity."""
    if header.coding == _PLAIN:
        return _DEFAULT_MASKS[header.bits]
    red, green, blue = struct.unpack_from("<III", data, 54)
    has_alpha = header.size >= 56 or header.coding == _ALPHA_BIT_FIELDS
    alpha = struct.unpack_from("<I", data, 66)[0] if has_alpha else 0
    return red, green, blue, alpha


def _decode_bit_fields(
    rows: NDArray[np.uint8], header: _Header, masks: _Masks
) -> NDArray[np.uint8]:
    red, green, blue, alpha = masks
    order = (blue, green, red, alpha) if alpha else (blue, green, red)
    samples = np.empty((header.height, header.width, len(order)), np.uint8)
    stored = rows[:, : header.width * header.bits // 8].reshape(header.height, -1)
    for band in _bands(header):
        words = np.ascontiguousarray(stored[band]).view(f"<u{header.bits // 8}")
        for channel, mask in enumerate(order):
            samples[band, :, channel] = _channel(words, mask)
    if alpha and not samples[..., 3].any():
        return samples[..., :3]  # opacity 0 everywhere: the writer did not use it
    return samples


def _channel(words: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.uint8]:
    """Extract the bits of the mask, scaled to 0..255."""
    if mask == 0:
        return np.zeros(words.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    largest = mask >> shift
    values = (words.astype(np.uint32) & np.uint32(mask)) >> np.uint32(shift)
    if largest == 255:
        return values.astype(np.uint8)
    return np.asarray(np.rint(values * (255 / largest)), np.uint8)


def _bands(header: _Header) -> list[slice]:
    """Return slices of rows that are converted at once, so that temporaries stay small."""
    rows = max(1, _BAND_PIXELS // header.width)
    return [slice(top, top + rows) for top in range(0, header.height, rows)]
