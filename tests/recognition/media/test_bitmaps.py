"""Bitmaps as Windows, OS/2 and later programs write them."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from off_tanet.errors import MediaError, UndecodableMediaError, UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.images import decode_image, decode_pair
from off_tanet.types import Pixels

from tests.support import factories

LIMITS = MediaLimits()
PICTURE = factories.picture(12, 17)
PLAIN, BIT_FIELDS = 0, 3
MASKS = (0xFF0000, 0xFF00, 0xFF)


def bmp32(
    pixels: Pixels, coding: int, size: int, alpha_mask: int = 0, fourth: int = 0, down: int = 1
) -> bytes:
    """32 bits a pixel after a header of `size`, with `fourth` in the byte that is not a colour."""
    height, width = pixels.shape[:2]
    stored = np.dstack([pixels, np.full((height, width), fourth, np.uint8)])
    body = stored[::-1].tobytes() if down == 1 else stored.tobytes()
    header = struct.pack("<IiiHHI", size, width, down * height, 1, 32, coding) + bytes(20)
    fields = b""
    if coding == BIT_FIELDS:
        fields = struct.pack("<III", *MASKS)
        fields += struct.pack("<I", alpha_mask) if size >= 56 else b""
    header += fields + bytes(max(0, size - 40 - len(fields)))
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + body


@pytest.mark.parametrize("size", [40, 52, 56, 108, 124])
@pytest.mark.parametrize("coding", [PLAIN, BIT_FIELDS])
@pytest.mark.parametrize("fourth", [0, 255])
def test_an_undefined_fourth_byte_is_ignored(size: int, coding: int, fourth: int) -> None:
    """Windows leaves it zero, and OpenCV reads it as opacity: the image came out black."""
    assert np.array_equal(
        decode_image(bmp32(PICTURE, coding, size, fourth=fourth), LIMITS), PICTURE
    )


@pytest.mark.parametrize("size", [56, 108, 124])
def test_a_declared_opacity_is_used(size: int) -> None:
    half = decode_image(bmp32(PICTURE, BIT_FIELDS, size, 0xFF000000, 128), LIMITS)
    assert np.abs(half.astype(int) - PICTURE * (128 / 255)).max() <= 1


def test_an_opacity_of_all_zeros_is_ignored() -> None:
    """Programs that do not support opacity write a mask for it and zeros."""
    assert np.array_equal(
        decode_image(bmp32(PICTURE, BIT_FIELDS, 124, 0xFF000000), LIMITS), PICTURE
    )


def test_rows_may_run_top_down() -> None:
    assert np.array_equal(decode_image(bmp32(PICTURE, PLAIN, 40, down=-1), LIMITS), PICTURE)


@pytest.mark.parametrize(
    ("masks", "bits"),
    [((0x7C00, 0x3E0, 0x1F), 16), ((0xF800, 0x7E0, 0x1F), 16), ((0x3FF00000, 0xFFC00, 0x3FF), 32)],
)
def test_any_masks_are_read(masks: tuple[int, int, int], bits: int) -> None:
    """Each colour is scaled to 0 to 255, whatever its bits."""
    pixels = np.zeros((2, 2), f"<u{bits // 8}")
    pixels[0] = masks[0], masks[1]
    pixels[1] = masks[2], sum(masks)
    header = struct.pack("<IiiHHI", 40, 2, -2, 1, bits, BIT_FIELDS) + bytes(20)
    start = 14 + len(header) + 12
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, start) + header + struct.pack("<III", *masks)
    decoded = decode_image(data + pixels.tobytes(), LIMITS)
    blue, green, red, white = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
    assert decoded.tolist() == [[list(red), list(green)], [list(blue), list(white)]]


@pytest.mark.parametrize("size", [12, 40])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_are_read(size: int, bits: int) -> None:
    """Three bytes a colour after the oldest header, four after the others."""
    numbers = np.random.default_rng(0).integers(0, 1 << bits, (3, 5)).astype(np.uint8)
    palette = np.random.default_rng(1).integers(0, 256, (1 << bits, 3)).astype(np.uint8)
    decoded = decode_image(indexed(numbers, palette, bits, size), LIMITS)
    assert np.array_equal(decoded, palette[numbers])


def indexed(numbers: NDArray[np.uint8], palette: NDArray[np.uint8], bits: int, size: int) -> bytes:
    height, width = numbers.shape
    planes = (numbers[::-1, :, None] >> np.arange(bits - 1, -1, -1) & 1).reshape(height, -1)
    rows = np.packbits(planes.astype(np.uint8), axis=1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    if size == 12:
        header, colours = struct.pack("<IHHHH", 12, width, height, 1, bits), palette
    else:
        header = struct.pack("<IiiHHI", 40, width, height, 1, bits, PLAIN) + bytes(20)
        colours = np.pad(palette, ((0, 0), (0, 1)))
    start = 14 + len(header) + colours.size
    head = b"BM" + struct.pack("<IHHI", 0, 0, 0, start)
    return head + header + colours.tobytes() + rows.tobytes()


END_OF_ROW, END = b"\0\0", b"\0\1"


def runs(numbers: NDArray[np.uint8], bits: int) -> list[bytes]:
    """Each row in runs of at most 5 equal pixels, every third one stored pixel by pixel."""
    rows = []
    for row in numbers[::-1]:
        coded = b""
        for place in range(0, len(row), 5):
            part = row[place : place + 5]
            if place % 3 == 0 and len(part) > 2:
                planes = part[:, None] >> np.arange(bits - 1, -1, -1) & 1
                stored = np.packbits(planes.astype(np.uint8)).tobytes()
                coded += bytes([0, len(part)]) + stored + bytes(len(stored) % 2)
            else:
                coded += b"".join(bytes([1, number << 8 - bits]) for number in part)
        rows.append(coded)
    return rows


def in_runs(body: bytes, size: tuple[int, int], palette: NDArray[np.uint8], bits: int) -> bytes:
    header = struct.pack("<IiiHHI", 40, size[1], size[0], 1, bits, {8: 1, 4: 2}[bits]) + bytes(20)
    colours = np.pad(palette, ((0, 0), (0, 1))).tobytes()
    start = 14 + len(header) + len(colours)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, start) + header + colours + body


NUMBERS = np.random.default_rng(2).integers(0, 16, (9, 23)).astype(np.uint8)
COLOURS = np.random.default_rng(3).integers(0, 256, (256, 3)).astype(np.uint8)


def read_runs(body: bytes, bits: int) -> tuple[Pixels, bool]:
    """The image, and whether damage is reported."""
    data = in_runs(body, NUMBERS.shape, COLOURS[: 1 << bits], bits)
    picture, _ = decode_pair(data, data, LIMITS)
    return picture.pixels, picture.damaged


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("end", [END_OF_ROW + END, END, b"", END + b"more"])
def test_runs_are_read(bits: int, end: bytes) -> None:
    """Some writers omit the end marker."""
    pixels, damaged = read_runs(END_OF_ROW.join(runs(NUMBERS, bits)) + end, bits)
    assert np.array_equal(pixels, COLOURS[NUMBERS])
    assert not damaged


@pytest.mark.parametrize("bits", [4, 8])
def test_runs_that_end_too_soon_are_reported(bits: int) -> None:
    """OpenCV returned the partial image as if it were complete."""
    rows = runs(NUMBERS, bits)
    assert read_runs(END_OF_ROW.join(rows[:4]) + END, bits)[1]
    for part in (rows[:4], [*rows[:4], b"", *rows[5:]], [row[:-4] for row in rows]):
        with pytest.raises(UndecodableMediaError):
            read_runs(END_OF_ROW.join(part), bits)


@pytest.mark.parametrize("bits", [4, 8])
def test_a_hole_of_zeros_in_runs_is_refused(bits: int) -> None:
    """Zeros are ends of rows: the following part of the image moves up."""
    body = END_OF_ROW.join(runs(NUMBERS, bits)) + END
    with pytest.raises(UndecodableMediaError):
        read_runs(body[:40] + bytes(40) + body[80:], bits)


def test_a_row_that_is_too_long_is_cut() -> None:
    """Some writers pad rows to whole words; no pixel is lost."""
    pixels, damaged = read_runs((b"\2\0" + END_OF_ROW).join(runs(NUMBERS, 8)) + END, 8)
    assert np.array_equal(pixels, COLOURS[NUMBERS])
    assert damaged


@given(st.binary(max_size=400), st.sampled_from([4, 8]))
@settings(max_examples=300, deadline=None)
def test_any_runs_are_an_image_or_refused(body: bytes, bits: int) -> None:
    """Offsets may lead anywhere."""
    try:
        pixels, damaged = read_runs(body, bits)
    except UndecodableMediaError:
        return
    assert pixels.shape == (*NUMBERS.shape, 3)
    assert damaged or len(body) >= 2 * NUMBERS.shape[0]


@pytest.mark.parametrize(("bits", "name"), [(64, "64 bits")])
def test_an_unsupported_depth_is_named(bits: int, name: str) -> None:
    data = bytearray(bmp32(PICTURE, PLAIN, 40))
    struct.pack_into("<H", data, 28, bits)
    with pytest.raises(UnsupportedMediaError, match=name):
        decode_image(bytes(data), LIMITS)


def test_an_image_in_a_bitmap_is_named() -> None:
    """Printer drivers embed a JPEG; the file is not broken."""
    with pytest.raises(UnsupportedMediaError, match="JPEG"):
        decode_image(bmp32(PICTURE, 4, 40), LIMITS)


def test_missing_pixels_are_refused() -> None:
    with pytest.raises(UndecodableMediaError):
        decode_image(bmp32(PICTURE, PLAIN, 40)[:-5], LIMITS)


@given(st.integers(0, 140), st.binary(min_size=1, max_size=8), st.sampled_from([40, 56, 124]))
@settings(max_examples=300, deadline=None)
def test_any_header_is_an_image_or_a_media_error(place: int, put: bytes, size: int) -> None:
    """Sizes, masks, palettes and offsets of any value."""
    data = bmp32(PICTURE, BIT_FIELDS, size)
    try:
        decoded = decode_image(data[:place] + put + data[place + len(put) :], LIMITS)
    except MediaError:
        return
    assert decoded.dtype == np.uint8
