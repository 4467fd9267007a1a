"""How the samples of a TIFF lie in its file: the fields of its first directory, checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from off_tanet.recognition.media import tiff, unread

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
_PREVIEW = 1  # of the bits of _KIND: a smaller copy of another picture of the file
_CANON = b"CR"  # where Canon's raw format tells its version
_UNSIGNED, _UNTYPED = 1, 4
_SEPARATE = 2
_MOST_BITS = 16
_MOST_CHANNELS = 5
_MOST_BLOCKS = 100_000  # each costs some ten microseconds; 51 megapixels in tiles of 64 are 12,500


class Compression(IntEnum):
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
    WHITE_IS_ZERO = 0
    BLACK_IS_ZERO = 1
    RGB = 2
    PALETTE = 3
    CMYK = 5
    YCBCR = 6


_NAMES = {4: "transparency masks", 8: "CIELab colours", 9: "ICCLab colours", 10: "ITULab colours"}
_NAMES |= {32803: "a sensor's raw samples", 34892: "a sensor's raw samples"}
_NAMES |= {32844: "LogL samples", 32845: "LogLuv colours"}
_CODINGS = {34712: "JPEG 2000", 50000: "Zstandard", 50001: "WebP", 34661: "JBIG", 50002: "JPEG XL"}
_CODINGS |= {32809: "ThunderScan", 32766: "NeXT", 34676: "SGI LogLuv", 34677: "SGI LogLuv"}
_CODINGS |= {34887: "LERC", 33003: "JPEG 2000", 33005: "JPEG 2000", 7: "JPEG", 6: "the older JPEG"}


class UnreadTiffError(ValueError):
    """A kind of TIFF that is not read; the message names it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`channels` samples of `bits` for each pixel, in blocks: strips or tiles.

    `places` are the blocks' places and lengths in the file; where `separate`, all of one channel's
    come before the next one's. `extra` tells what the channels behind the colours are,
    `maximum` the largest value that a sample can have.
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
    places: tuple[tuple[int, int], ...]
    extra: tuple[int, ...]
    palette: tuple[int, ...]
    orientation: int
    maximum: int | None

    @property
    def blocks_across(self) -> int:
        return -(-self.width // self.block_width)

    @property
    def blocks_down(self) -> int:
        return -(-self.height // self.block_height)

    @property
    def block_channels(self) -> int:
        """Channels that one block holds."""
        return 1 if self.separate else self.channels


def read(data: bytes) -> Layout:
    """The layout of a file whose size was checked.

    Raises UnreadTiffError for what is not read and, for what says nothing sensible, ValueError,
    LookupError and struct.error.
    """
    tags = tiff.values(data, _WANTED)
    _check_preview(data)

    def one(tag: int, default: int) -> int:
        return tags.get(tag, (default,))[0]

    if one(_FORMAT, _UNSIGNED) not in (_UNSIGNED, _UNTYPED):
        raise UnreadTiffError("A TIFF of signed or floating-point samples is not read.")
    width, height = tags[_WIDTH][0], tags[_LENGTH][0]
    tiled = _TILES in tags or _TILE_WIDTH in tags
    rows = min(one(_ROWS, height) or height, height)
    block = (tags[_TILE_WIDTH][0], tags[_TILE_LENGTH][0]) if tiled else (width, rows)
    starts = tags.get(_TILES) or tags[_STRIPS]
    compression = _compression(one(_COMPRESSION, 1))
    maxima = _told(data, _MAXIMUM, _SIGNED_MAXIMUM)
    lengths = tags.get(_TILE_BYTES) or tags.get(_STRIP_BYTES) or _guessed(starts, len(data))
    channels = one(_SAMPLES, 1)
    layout = Layout(
        width=width,
        height=height,
        bits=_bits(tags.get(_BITS, (1,))),
        channels=channels,
        compression=compression,
        photometric=_photometric(one(_PHOTOMETRIC, 2 if channels > 2 else 1)),
        separate=one(_PLANAR, 1) == _SEPARATE and channels > 1,
        predictor=one(_PREDICTOR, 1),
        reversed_bits=one(_FILL_ORDER, 1) == 2,
        block_width=block[0],
        block_height=block[1],
        tiled=tiled,
        places=tuple(zip(starts, lengths, strict=False)),
        extra=tags.get(_EXTRA, ()),
        palette=tags.get(_COLOURS, ()),
        orientation=one(_ORIENTATION, 1),
        maximum=max(maxima, default=None),
    )
    _check(layout, one(_INK_SET, 1))
    return layout


def _check_preview(data: bytes) -> None:
    """Raises UnreadTiffError for a camera's raw format.

    Most of them are a TIFF whose first picture is a small preview of what is meant.
    """
    is_told = _DNG_VERSION in tiff.present(data) or data[8:10] == _CANON
    if is_told or any(kind & _PREVIEW for kind in _told(data, _KIND)):
        raise UnreadTiffError(unread.RAW.told("picture"))


def _check(layout: Layout, ink_set: int) -> None:
    if layout.block_width < 1 or layout.block_height < 1 or layout.channels < 1:
        raise ValueError("blocks of nothing")
    if layout.channels > _MOST_CHANNELS:
        raise UnreadTiffError(f"A TIFF of more than {_MOST_CHANNELS} channels is not read.")
    blocks = layout.blocks_across * layout.blocks_down
    blocks *= layout.channels if layout.separate else 1
    if blocks > _MOST_BLOCKS:
        raise UnreadTiffError(f"A TIFF of more than {_MOST_BLOCKS} strips or tiles is not read.")
    if len(layout.places) < blocks:
        raise ValueError("too few strips or tiles")
    if layout.photometric is Photometric.CMYK and ink_set != 1:
        raise UnreadTiffError("A TIFF of other inks than CMYK is not read.")


def _told(data: bytes, *tags: int) -> tuple[int, ...]:
    """What tags that can be done without tell; nothing where one holds something else."""
    try:
        return sum(tiff.values(data, frozenset(tags)).values(), ())
    except ValueError:
        return ()


def _bits(found: tuple[int, ...]) -> int:
    if len(set(found)) != 1:
        raise UnreadTiffError("A TIFF of channels of different depths is not read.")
    if not 1 <= found[0] <= _MOST_BITS:
        raise ValueError("samples of no bits, or too many")
    return found[0]


def _compression(number: int) -> Compression:
    if number not in set(Compression):
        raise UnreadTiffError(f"A TIFF in {_CODINGS.get(number, 'this coding')} is not read.")
    return Compression(number)


def _photometric(number: int) -> Photometric:
    if number not in set(Photometric):
        raise UnreadTiffError(f"A TIFF of {_NAMES.get(number, 'these colours')} is not read.")
    return Photometric(number)


def _guessed(starts: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Lengths that a file does not tell: up to the next block."""
    ends = (*starts[1:], size)
    return tuple(max(0, end - start) for start, end in zip(starts, ends, strict=True))


def coding_of(data: bytes) -> str:
    """That a file's coding is not read, in words. Raises like `read`."""
    layout = read(data)
    name = _CODINGS.get(layout.compression, layout.compression.name.replace("_", " "))
    return f"A TIFF in {name} of this kind is not read."
