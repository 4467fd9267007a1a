"""The layout of the samples of a TIFF in its file, read from its first directory and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from off_tanet.recognition.media import tiff, unsupported

# Tags
_KIND, _DNG_VERSION = 254, 50706
_COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _SAMPLES = 259, 262, 266, 273, 277
_ROWS, _STRIP_BYTES, _PLANAR, _PREDICTOR, _COLOURS = 278, 279, 284, 317, 320
_TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_BYTES, _EXTRA, _FORMAT = 322, 323, 324, 325, 338, 339
_INK_SET, _MAXIMUM, _SIGNED_MAXIMUM = 332, 281, 341
_WIDTH, _LENGTH, _BITS, _ORIENTATION = 256, 257, 258, 274
_WANTED = frozenset(
    {_COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR}
    | {_PREDICTOR, _COLOURS, _TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_BYTES, _EXTRA, _FORMAT}
    | {_WIDTH, _LENGTH, _BITS, _ORIENTATION, _INK_SET}
)
_PREVIEW = 1  # bit of _KIND: a smaller copy of another image in the file
_CANON = b"CR"  # marks Canon's raw format, before its version
_UNSIGNED, _UNTYPED = 1, 4
_SEPARATE = 2
_MAX_BITS = 16
_MAX_CHANNELS = 5
_MAX_BLOCKS = 100_000  # about 10 us each; 51 megapixels in 64 x 64 tiles are 12,500


class Compression(IntEnum):
    """Values of the tag Compression."""

    NONE = 1
    CCITT_RUNS = 2
    CCITT_T4 = 3
    CCITT_T6 = 4
    LZW = 5
    OLD_JPEG = 6
    JPEG = 7
    DEFLATE = 8
    PACKBITS = 32773
    OLD_DEFLATE = 32946
    LZMA = 34925


class Photometric(IntEnum):
    """Values of the tag PhotometricInterpretation."""

    WHITE_IS_ZERO = 0
    BLACK_IS_ZERO = 1
    RGB = 2
    PALETTE = 3
    CMYK = 5
    YCBCR = 6


_COLOUR_SPACES = {
    4: "transparency masks",
    8: "CIELab colours",
    9: "ICCLab colours",
    10: "ITULab colours",
}
_COLOUR_SPACES |= {32803: "a sensor's raw samples", 34892: "a sensor's raw samples"}
_COLOUR_SPACES |= {32844: "LogL samples", 32845: "LogLuv colours"}
_CODINGS = {34712: "JPEG 2000", 50000: "Zstandard", 50001: "WebP", 34661: "JBIG", 50002: "JPEG XL"}
_CODINGS |= {32809: "ThunderScan", 32766: "NeXT", 34676: "SGI LogLuv", 34677: "SGI LogLuv"}
_CODINGS |= {34887: "LERC", 33003: "JPEG 2000", 33005: "JPEG 2000", 7: "JPEG", 6: "the older JPEG"}


class UnsupportedTiffError(ValueError):
    """A kind of TIFF that is not supported; the message names it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of an image in blocks, which are strips or tiles.

    Attributes:
        width: Width of the image in pixels.
        height: Height of the image in pixels.
        bits: Bits of a sample, 1 to 16.
        channels: Samples of a pixel.
        compression: The compression of the blocks.
        photometric: The meaning of the colour channels.
        separate: Whether each block contains one channel; all blocks of a channel come before
            those of the next one.
        predictor: 1: samples, 2: differences along a row.
        reversed_bits: Whether the first bit of a byte is the lowest one.
        block_width: Width of a strip or tile in pixels.
        block_height: Height of a strip or tile in pixels.
        tiled: Whether the blocks are tiles, which may extend beyond the image.
        extents: Offset and length in bytes of each block in the file.
        extra: The meaning of the channels after the colours (tag ExtraSamples).
        palette: Colours of a palette, 16 bits each, all reds first; otherwise empty.
        orientation: The orientation as stored, 1 to 8 if it is valid.
        maximum: The largest value of a sample, where it is declared.
    """

    width: int
    height: int
    bits: int
    channels: int
    compression: Compression
    photometric: Photometric
    separate: bool
    predictor: int
    reversed_bits: bool
    block_width: int
    block_height: int
    tiled: bool
    extents: tuple[tuple[int, int], ...]
    extra: tuple[int, ...]
    palette: tuple[int, ...]
    orientation: int
    maximum: int | None

    @property
    def blocks_across(self) -> int:
        """Number of blocks in a row."""
        return -(-self.width // self.block_width)

    @property
    def blocks_down(self) -> int:
        """Number of blocks in a column."""
        return -(-self.height // self.block_height)

    @property
    def block_channels(self) -> int:
        """Number of channels in one block."""
        return 1 if self.separate else self.channels


def read(data: bytes) -> Layout:
    """Read the layout of a file whose size in pixels was checked.

    Raises:
        UnsupportedTiffError: This kind of TIFF is not supported.
        ValueError: The directory is invalid. Likewise LookupError and struct.error.
    """
    tags = _Tags(tiff.values(data, _WANTED))
    _check_preview(data)
    if tags.first(_FORMAT, _UNSIGNED) not in (_UNSIGNED, _UNTYPED):
        raise UnsupportedTiffError("TIFF with signed or floating-point samples is not supported.")
    tiled, block_width, block_height = _block_shape(tags)
    extents = _extents(tags, len(data))
    compression = _compression(tags.first(_COMPRESSION, 1))
    maxima = _optional_values(data, _MAXIMUM, _SIGNED_MAXIMUM)
    channels = tags.first(_SAMPLES, 1)
    layout = Layout(
        width=tags.first(_WIDTH),
        height=tags.first(_LENGTH),
        bits=_bits(tags.all(_BITS) or (1,)),
        channels=channels,
        compression=compression,
        photometric=_photometric(tags.first(_PHOTOMETRIC, 2 if channels > 2 else 1)),
        separate=tags.first(_PLANAR, 1) == _SEPARATE and channels > 1,
        predictor=tags.first(_PREDICTOR, 1),
        reversed_bits=tags.first(_FILL_ORDER, 1) == 2,
        block_width=block_width,
        block_height=block_height,
        tiled=tiled,
        extents=extents,
        extra=tags.all(_EXTRA),
        palette=tags.all(_COLOURS),
        orientation=tags.first(_ORIENTATION, 1),
        maximum=max(maxima, default=None),
    )
    _check(layout, tags.first(_INK_SET, 1))
    return layout


@dataclass(frozen=True, slots=True)
class _Tags:
    values: Mapping[int, tuple[int, ...]]

    def all(self, tag: int) -> tuple[int, ...]:
        """Return the values of a tag; empty without it."""
        return self.values.get(tag, ())

    def first(self, tag: int, default: int | None = None) -> int:
        """Return the first value of a tag. Raises KeyError without it and a default."""
        if default is None:
            return self.values[tag][0]
        return self.values.get(tag, (default,))[0]


def _block_shape(tags: _Tags) -> tuple[bool, int, int]:
    """Return whether the blocks are tiles, and their width and height."""
    if _TILES in tags.values or _TILE_WIDTH in tags.values:
        return True, tags.first(_TILE_WIDTH), tags.first(_TILE_LENGTH)
    height = tags.first(_LENGTH)
    return False, tags.first(_WIDTH), min(tags.first(_ROWS, height) or height, height)


def _extents(tags: _Tags, size: int) -> tuple[tuple[int, int], ...]:
    """Return offset and length of each block in a file of `size` bytes.

    Where lengths are missing, a block ends at the next one.
    """
    starts = tags.all(_TILES) or tags.values[_STRIPS]
    lengths = tags.all(_TILE_BYTES) or tags.all(_STRIP_BYTES)
    if not lengths:
        ends = (*starts[1:], size)
        lengths = tuple(max(0, end - start) for start, end in zip(starts, ends, strict=True))
    return tuple(zip(starts, lengths, strict=False))


def _check_preview(data: bytes) -> None:
    """Raise UnsupportedTiffError for a camera's raw format.

    Most raw formats are TIFF files whose first image is a small preview.
    """
    is_raw = _DNG_VERSION in tiff.present(data) or data[8:10] == _CANON
    if is_raw or any(kind & _PREVIEW for kind in _optional_values(data, _KIND)):
        raise UnsupportedTiffError(unsupported.RAW.refusal("image"))


def _check(layout: Layout, ink_set: int) -> None:
    if layout.block_width < 1 or layout.block_height < 1 or layout.channels < 1:
        raise ValueError("empty blocks")
    if layout.channels > _MAX_CHANNELS:
        raise UnsupportedTiffError(
            f"TIFF with more than {_MAX_CHANNELS} channels is not supported."
        )
    blocks = layout.blocks_across * layout.blocks_down
    blocks *= layout.channels if layout.separate else 1
    if blocks > _MAX_BLOCKS:
        raise UnsupportedTiffError(
            f"TIFF with more than {_MAX_BLOCKS} strips or tiles is not supported."
        )
    if len(layout.extents) < blocks:
        raise ValueError("too few strips or tiles")
    if layout.photometric is Photometric.CMYK and ink_set != 1:
        raise UnsupportedTiffError("TIFF with inks other than CMYK is not supported.")


def _optional_values(data: bytes, *tags: int) -> tuple[int, ...]:
    """Return the values of optional tags; empty if one has another type than integers."""
    try:
        return sum(tiff.values(data, frozenset(tags)).values(), ())
    except ValueError:
        return ()


def _bits(found: tuple[int, ...]) -> int:
    if len(set(found)) != 1:
        raise UnsupportedTiffError("TIFF with channels of different depths is not supported.")
    if not 1 <= found[0] <= _MAX_BITS:
        raise ValueError("an invalid number of bits")
    return found[0]


def _compression(number: int) -> Compression:
    if number not in set(Compression):
        raise UnsupportedTiffError(
            f"TIFF in {_CODINGS.get(number, 'this coding')} is not supported."
        )
    return Compression(number)


def _photometric(number: int) -> Photometric:
    if number not in set(Photometric):
        raise UnsupportedTiffError(
            f"TIFF with {_COLOUR_SPACES.get(number, 'these colours')} is not supported."
        )
    return Photometric(number)


def unsupported_coding(data: bytes) -> str:
    """Return the error message for a coding that OpenCV does not decode. Raises like `read`."""
    layout = read(data)
    name = _CODINGS.get(layout.compression, layout.compression.name.replace("_", " "))
    return f"TIFF in this kind of {name} is not supported."
