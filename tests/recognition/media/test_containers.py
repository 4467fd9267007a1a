"""Images whose header can be read in two ways: the check must read it as the decoder does."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from off_tanet.errors import LimitExceededError, MediaError, UndecodableMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.containers import Kind, picture_size
from off_tanet.recognition.media.images import decode_image
from PIL import Image

from tests.support import factories
from tests.support.crafted_images import LONG, SHORT, Entry, frame, grey_tiff, hidden, tiff
from tests.support.factories import chunk

LIMITS = MediaLimits(image_pixels=10_000)
SMALL = factories.picture(24, 32)
LARGE = 3000  # pixels of a side; nine million are over the limit


@pytest.mark.parametrize("order", "<>")
def test_a_plain_tiff_is_read(order: str) -> None:
    """The base of the variants below, each of which is refused for one reason."""
    entries = grey_tiff([(256, SHORT, 1, 10)])
    assert picture_size(tiff(entries, order), Kind.TIFF) == (10, 10)
    assert decode_image(tiff(entries, order), LIMITS).shape == (10, 10, 3)


@pytest.mark.parametrize(
    "width",
    [
        [(256, 9, 1, LARGE)],  # SLONG, which libtiff accepts, too
        [(256, 8, 1, LARGE)],  # SSHORT
        [(256, 1, 1, 200)],  # BYTE
        [(256, 16, 1, LARGE)],  # LONG8 of BigTIFF
        [(256, 9, 1, LARGE), (256, SHORT, 1, 10)],
        [(256, SHORT, 1, LARGE), (256, SHORT, 1, 10)],
        [(256, SHORT, 1, 10), (256, SHORT, 1, LARGE)],
        [(256, SHORT, 2, LARGE)],
        [(256, SHORT, 0, LARGE)],
        [],
    ],
    ids=["slong", "sshort", "byte", "long8", "both", "larger first", "later", "two", "none", "no"],
)
@pytest.mark.parametrize("order", "<>")
def test_a_tiffs_size_has_one_meaning(width: list[Entry], order: str) -> None:
    """libtiff accepts integers of any type, and takes the first of duplicate tags."""
    with pytest.raises(UndecodableMediaError):
        decode_image(tiff(grey_tiff(width), order), LIMITS)


@pytest.mark.parametrize("tag", [257, 258, 273, 322, 40_000])
def test_duplicate_tags_of_a_tiff_are_refused(tag: int) -> None:
    with pytest.raises(UndecodableMediaError):
        decode_image(tiff([*grey_tiff([(256, SHORT, 1, 10)]), (tag, SHORT, 1, 8)] * 2), LIMITS)


def test_a_tiff_of_volumes_is_refused() -> None:
    """libtiff multiplies the size by a depth, which 2-D images do not have."""
    entries = grey_tiff([(256, SHORT, 1, 10)], (32997, LONG, 1, 1000))
    with pytest.raises(UndecodableMediaError):
        decode_image(tiff(entries), LIMITS)


def test_a_tiff_whose_tiles_are_larger_than_itself_is_read() -> None:
    """Scanners write tiles of 256 x 256 for images of any size."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.ascontiguousarray(SMALL[..., ::-1]), tile=(64, 64))
    assert np.array_equal(decode_image(stream.getvalue(), LIMITS), SMALL)


# --- JPEG -------------------------------------------------------------------------------------

JPEG = factories.jpeg(SMALL)
FRAME = JPEG.index(b"\xff\xc0")


@pytest.mark.parametrize(
    "inserted",
    [
        hidden(LARGE),
        b"\xff" + hidden(LARGE),
        b"\xff\xd0" + frame(LARGE),
        b"\xff\x01" + frame(LARGE),
        b"\xff\xff\xff" + frame(LARGE),
        b"stray bytes" + frame(LARGE),
        b"\xff\xfe\0\2" + frame(LARGE),
    ],
    ids=["FF 00", "FF FF 00", "RST", "TEM", "fill", "stray", "comment"],
)
def test_the_frame_that_libjpeg_finds_is_the_one_that_is_checked(inserted: bytes) -> None:
    with pytest.raises(LimitExceededError):
        decode_image(JPEG[:FRAME] + inserted + b"\xff\xd9", LIMITS)


@pytest.mark.parametrize(
    "inserted",
    [
        frame(16),
        b"\xff\xd8",
        b"\xff\xd9",
        b"\xff\xf0\0\2",
        b"\xff\x02\0\2",
        b"\xff\xfe\0\0",
        b"\xff\xe1\0\1",
        b"\xff\xfe\xff\xff",
        frame(16).replace(b"\0\x10\0\x10\1", b"\0\x10\0\x10\2"),
    ],
    ids=["frame", "start", "end", "JPG0", "RES", "length 0", "length 1", "too long", "2 samples"],
)
def test_a_jpeg_that_can_be_read_in_two_ways_is_refused(inserted: bytes) -> None:
    """libjpeg would refuse most of them, too, but the check comes first."""
    for place in (2, FRAME):
        with pytest.raises(UndecodableMediaError):
            decode_image(JPEG[:place] + inserted + JPEG[place:], LIMITS)


def test_a_frame_in_a_comment_is_ignored() -> None:
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(frame(LARGE))) + frame(LARGE)
    decoded = decode_image(JPEG[:2] + comment + JPEG[2:], LIMITS)
    assert np.array_equal(decoded, decode_image(JPEG, LIMITS))


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 1}])
def test_what_cameras_write_is_read(options: dict[str, int]) -> None:
    """Ten scans, or a restart marker after each block."""
    stream = io.BytesIO()
    Image.fromarray(SMALL).save(stream, "JPEG", **options)
    assert decode_image(stream.getvalue(), LIMITS).shape == SMALL.shape


# --- PNG --------------------------------------------------------------------------------------


PNG = factories.png(SMALL)


def test_a_png_of_two_headers_is_refused() -> None:
    """Decoders differ in which of the headers they use."""
    header = chunk(b"IHDR", struct.pack(">II", LARGE, LARGE) + PNG[24:29])
    for data in (PNG[:8] + header + PNG[8:], PNG[:33] + header + PNG[33:]):
        with pytest.raises(MediaError):
            decode_image(data, LIMITS)
