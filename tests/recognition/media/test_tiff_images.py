"""TIFFs of every layout that cameras and laboratories write decode to the stored image."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from off_tanet.errors import MediaError, UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import entropy
from off_tanet.recognition.media.entropy import Outcome
from off_tanet.recognition.media.images import decode_image, decode_pair
from PIL import Image, ImageOps

from tests.support import factories

LIMITS = MediaLimits()
PICTURE = factories.picture(50, 70)
GREY = factories.grey(PICTURE)
RGB = np.ascontiguousarray(PICTURE[..., ::-1])


def tiff(samples: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, **options)
    return stream.getvalue()


def by_pillow(samples: NDArray[np.uint8], mode: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(samples).convert(mode).save(stream, "TIFF", **options)
    return stream.getvalue()


def wide(samples: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return samples.astype(np.uint16) * 257


def grey_of(data: bytes) -> NDArray[np.uint8]:
    decoded = decode_image(data, LIMITS)
    assert np.array_equal(decoded[..., 0], decoded[..., 2])
    return decoded[..., 0]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 32)}, {"rowsperstrip": 7}])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("separate", [False, True])
def test_colours_are_kept(kind: type, layout: dict[str, Any], order: str, separate: bool) -> None:
    """OpenCV alone garbles separate planes of 16 bits, without an error."""
    samples = RGB if kind is np.uint8 else wide(RGB)
    planes = np.ascontiguousarray(np.moveaxis(samples, 2, 0)) if separate else samples
    config = "separate" if separate else "contig"
    data = tiff(planes, photometric="rgb", planarconfig=config, byteorder=order, **layout)
    assert np.array_equal(decode_image(data, LIMITS), PICTURE)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_white_may_be_zero(kind: type) -> None:
    """At 16 bits OpenCV returns the negative of the image."""
    samples = GREY if kind is np.uint8 else wide(GREY)
    assert np.array_equal(grey_of(tiff(~samples, photometric="miniswhite")), GREY)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "lzma"])
@pytest.mark.parametrize("predictor", [1, 2])
def test_every_compression_gives_the_same(compression: str, predictor: int) -> None:
    options = {"compression": compression}
    if compression != "packbits":
        options["tiffinfo"] = {317: predictor}  # type: ignore[assignment]
    assert np.array_equal(decode_image(by_pillow(RGB, "RGB", **options), LIMITS), PICTURE)


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "LA"])
def test_what_pillow_writes_is_read_as_by_pillow(mode: str) -> None:
    data = by_pillow(RGB, mode)
    theirs = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.uint8)[..., ::-1]
    assert np.abs(decode_image(data, LIMITS).astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_few_bits_are_stretched(bits: int, white_is_zero: bool) -> None:
    """Packed regardless of bytes, each row padded to a whole one."""
    largest = (1 << bits) - 1
    numbers = np.random.default_rng(bits).integers(0, largest + 1, (9, 13))
    stored = largest - numbers if white_is_zero else numbers
    planes = (stored[..., None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8)
    rows = np.packbits(planes.reshape(9, -1), axis=1).tobytes()
    data = packed_tiff(rows, 13, 9, bits, photometric=0 if white_is_zero else 1)
    assert np.array_equal(grey_of(data), np.rint(numbers * (255 / largest)).astype(np.uint8))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_depths_in_between_are_read(bits: int) -> None:
    """Industrial cameras pack their samples; the declared range is used."""
    largest = (1 << bits) - 1
    numbers = np.random.default_rng(bits).integers(0, largest // 8, (9, 12))
    planes = (numbers[..., None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8)
    rows = np.packbits(planes.reshape(9, -1), axis=1).tobytes()
    expected = np.rint(numbers * (255 / largest)).astype(int)
    assert np.abs(grey_of(packed_tiff(rows, 12, 9, bits)).astype(int) - expected).max() <= 1


def packed_tiff(rows: bytes, width: int, height: int, bits: int, photometric: int = 1) -> bytes:
    """Uncompressed grey in one strip."""
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric)]
    tags += [(273, 8), (277, 1), (278, height), (279, len(rows))]
    entries = b"".join(
        tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little")
        for tag, value in tags
    )
    start = (8 + len(rows)).to_bytes(4, "little")
    return b"II*\0" + start + rows + len(tags).to_bytes(2, "little") + entries + bytes(4)


# --- values of 10 to 14 bits in files of 16 ---------------------------------------------------


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("write", [tiff, factories.png])
def test_an_image_that_uses_fewer_bits_is_stretched(bits: int, write: Any) -> None:
    """Otherwise almost black: the samples of a 12-bit camera end at 4095."""
    samples = np.rint(GREY.astype(float) * ((1 << bits) - 1) / 255).astype(np.uint16)
    samples[0, 0] = (1 << bits) - 1
    assert np.abs(grey_of(write(samples)).astype(int)[1:] - GREY[1:]).max() <= 1


def test_a_pair_is_stretched_alike() -> None:
    """Otherwise a face that brightens past a power of two would become darker by half."""
    onset = np.full((40, 40), 900, np.uint16)
    apex = np.full((40, 40), 1100, np.uint16)
    for first, second in ((onset, apex), (apex, onset)):
        pictures = decode_pair(factories.png(first), factories.png(second), LIMITS)
        levels = [int(picture.pixels[0, 0, 0]) for picture in pictures]
        assert levels == [round(int(samples[0, 0]) * 255 / 4095) for samples in (first, second)]


@pytest.mark.parametrize("level", [500, 50_000])
def test_a_declared_range_is_used(level: int) -> None:
    """A dim image of 12 bits stays dim: PNG's sBIT, TIFF's MaxSampleValue.

    By PNG's standard they are the upper twelve bits; an image that uses only those has others.
    """
    samples = np.full((20, 20), level, np.uint16)
    expected = round(level * 255 / (4095 if level < 4096 else 65535))
    png = factories.png(samples)
    declared = png[:33] + factories.chunk(b"sBIT", b"\x0c") + png[33:]
    assert decode_image(declared, LIMITS)[0, 0, 0] == expected
    data = tiff(samples, extratags=[(281, 3, 1, 4095, True)])
    assert decode_image(data, LIMITS)[0, 0, 0] == expected


# --- what is not read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (tiff(RGB, photometric="cielab"), "CIELab"),
        (tiff(GREY.astype(np.int16)), "signed"),
        (tiff(GREY.astype(np.float16)), "floating-point"),
        (by_pillow(RGB, "RGB", compression="zstd"), "Zstandard"),
    ],
    ids=["lab", "signed", "half", "zstd"],
)
def test_unsupported_layouts_are_named(data: bytes, name: str) -> None:
    """Not as "broken", or their owner would send them again."""
    with pytest.raises(UnsupportedMediaError, match=name):
        decode_image(data, LIMITS)


# --- any bytes --------------------------------------------------------------------------------

CODED = [
    by_pillow(RGB, mode, compression=compression)
    for mode in ("RGB", "1", "P", "CMYK")
    for compression in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "raw")
]


@given(st.sampled_from(CODED), st.integers(0, 10**6), st.binary(min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_change_is_an_image_or_a_media_error(data: bytes, place: int, put: bytes) -> None:
    """A reader of our own may have crashes and bombs of its own."""
    place %= len(data)
    try:
        decoded = decode_image(data[:place] + put + data[place + len(put) :], LIMITS)
    except MediaError:
        return
    assert decoded.dtype == np.uint8


@given(st.binary(max_size=300), st.integers(1, 2000))
@settings(max_examples=300, deadline=None)
def test_any_bytes_decode_to_the_requested_size(data: bytes, size: int) -> None:
    for decode in (entropy.decode_lzw, entropy.decode_packbits):
        decoded, outcome = decode(data, size)
        assert decoded.size == size
        assert outcome in Outcome


def in_jpeg(
    samples: NDArray[np.uint8], colours: str, tile: tuple[int, int], orientation: int
) -> bytes:
    """A TIFF of JPEG tiles, each a complete file."""
    height, width = samples.shape[:2]
    padding = [(0, -height % tile[0]), (0, -width % tile[1]), (0, 0)][: samples.ndim]
    padded = np.pad(samples, padding, mode="edge")
    tiles = [
        jpeg(padded[y : y + tile[0], x : x + tile[1]])
        for y in range(0, height, tile[0])
        for x in range(0, width, tile[1])
    ]
    head = 8 + 4 * len(tiles)
    starts = [head + sum(map(len, tiles[:number])) for number in range(len(tiles))]
    photometric = {"ycbcr": 6, "minisblack": 1}[colours]
    directory = {256: width, 257: height, 258: 8, 259: 7, 262: photometric, 274: orientation}
    directory |= {277: 1 if samples.ndim == 2 else 3, 322: tile[1], 323: tile[0]}
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in directory.items()]
    lengths = struct.pack(f"<{len(tiles)}I", *map(len, tiles))
    end = starts[-1] + len(tiles[-1])
    for tag, place, values in ((324, 8, starts), (325, end, list(map(len, tiles)))):
        inline = place if len(values) > 1 else values[0]
        entries.append(struct.pack("<HHII", tag, 4, len(values), inline))
    data = struct.pack(f"<2sHI{len(tiles)}I", b"II", 42, end + len(lengths), *starts)
    listed = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return data + b"".join(tiles) + lengths + listed


def jpeg(samples: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("tile", [(16, 16), (32, 48), (64, 80)])
@pytest.mark.parametrize("colours", ["ycbcr", "minisblack"])
def test_the_image_is_oriented_not_its_tiles(
    orientation: int, tile: tuple[int, int], colours: str
) -> None:
    """OpenCV rotates each tile in its place: a scanner's tiled JPEG came out scrambled."""
    data = in_jpeg(GREY if colours == "minisblack" else RGB, colours, tile, orientation)
    theirs = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    expected = np.asarray(theirs.convert("RGB"), np.uint8)[..., ::-1]
    decoded = decode_image(data, LIMITS)
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).mean() < 2


def test_duplicate_program_names_are_accepted() -> None:
    """Only a duplicate size is ambiguous."""
    data = bytearray(tiff(GREY, software="one", description="two"))
    place = data.index(struct.pack("<HH", 270, 2))
    struct.pack_into("<H", data, place, 305)
    assert np.array_equal(grey_of(bytes(data)), GREY)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("tags", [{}, {"extratags": [(50706, "B", 4, bytes([1, 4, 0, 0]), True)]}])
def test_a_cameras_raw_format_is_named(big: bool, tags: dict[str, Any]) -> None:
    """Its first image is a preview of 160 x 120, which was taken for the image itself."""
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, byteorder=">" if big else "<") as file:
        kind = 0 if tags else 1
        file.write(RGB[::4, ::4].copy(), subfiletype=kind, subifds=1, photometric="rgb", **tags)
        file.write(wide(GREY), photometric="cfa")
    with pytest.raises(UnsupportedMediaError, match="raw format"):
        decode_image(stream.getvalue(), LIMITS)


def test_canons_raw_format_is_named() -> None:
    data = in_jpeg(GREY, "minisblack", (64, 80), 1)  # of one tile, whose offset is stored elsewhere
    with pytest.raises(UnsupportedMediaError, match="raw format"):
        decode_image(data[:8] + b"CR\2\0" + data[12:], LIMITS)
