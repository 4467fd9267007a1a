"""Pictures that say one thing to whoever checks them and another to their decoder."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import LimitExceededError, MediaError, UndecodableMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.containers import PICTURES, Kind, is_whole, kind_of, picture_size
from off_tanet.recognition.media.images import decode_image
from off_tanet.recognition.media.tiff import orientation
from PIL import Image

from tests.support import factories
from tests.support.steps import steps

LIMITS = MediaLimits(image_pixels=10_000)
SMALL = factories.picture(24, 32)
LARGE = 3000  # pixels of a side; nine million are over the limit
SHORT, LONG = 3, 4

Entry = tuple[int, int, int, int]  # tag, type, count, value


def tiff(entries: Sequence[Entry], order: str = "<") -> bytes:
    """A TIFF of one directory and 70 kB of zeros behind it."""
    packed = []
    for tag, type_, count, value in entries:
        small = count == 1 and type_ in (SHORT, 8)
        field = f"{order}HHIHH" if small else f"{order}HHII"
        packed.append(struct.pack(field, tag, type_, count, *((value, 0) if small else (value,))))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    directory = struct.pack(f"{order}H", len(packed)) + b"".join(packed) + bytes(4)
    return head + directory + bytes(70_000)


def grey_tiff(width: Sequence[Entry], *others: Entry, side: int = 10) -> list[Entry]:
    """The entries of an uncompressed grey picture, `width` among them."""
    rest = [(257, SHORT, 1, side), (258, SHORT, 1, 8), (259, SHORT, 1, 1), (262, SHORT, 1, 1)]
    strips = [
        (273, LONG, 1, 500),
        (277, SHORT, 1, 1),
        (278, SHORT, 1, side),
        (279, LONG, 1, 60_000),
    ]
    return [*width, *rest, *strips, *others]


def decoded_size(data: bytes) -> tuple[int, int] | None:
    """What OpenCV alone makes of it."""
    with contextlib.suppress(cv2.error):
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        return None if samples is None else (samples.shape[1], samples.shape[0])
    return None


@pytest.mark.parametrize("order", "<>")
def test_a_plain_tiff_is_read(order: str) -> None:
    """What the others are variants of: each of them is refused for its own reason."""
    entries = grey_tiff([(256, SHORT, 1, 10)])
    assert picture_size(tiff(entries, order), Kind.TIFF) == (10, 10)
    assert decode_image(tiff(entries, order), LIMITS).shape == (10, 10, 3)


@pytest.mark.parametrize(
    "width",
    [
        [(256, 9, 1, LARGE)],  # SLONG, which libtiff takes, too
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
    """libtiff takes integers of any type, and of tags that are there twice the first."""
    with pytest.raises(UndecodableMediaError):
        decode_image(tiff(grey_tiff(width), order), LIMITS)


@pytest.mark.parametrize("tag", [257, 258, 273, 322, 40_000])
def test_no_tag_of_a_tiff_is_there_twice(tag: int) -> None:
    with pytest.raises(UndecodableMediaError):
        decode_image(tiff([*grey_tiff([(256, SHORT, 1, 10)]), (tag, SHORT, 1, 8)] * 2), LIMITS)


def test_a_tiff_of_volumes_is_refused() -> None:
    """libtiff multiplies sizes by a depth that no picture has."""
    entries = grey_tiff([(256, SHORT, 1, 10)], (32997, LONG, 1, 1000))
    with pytest.raises(UndecodableMediaError):
        decode_image(tiff(entries), LIMITS)


def test_a_tiff_in_tiles_that_are_larger_than_it_is_read() -> None:
    """Scanners write tiles of 256 x 256, whatever the picture's size."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.ascontiguousarray(SMALL[..., ::-1]), tile=(64, 64))
    assert np.array_equal(decode_image(stream.getvalue(), LIMITS), SMALL)


# --- JPEG -------------------------------------------------------------------------------------

JPEG = factories.jpeg(SMALL)
FRAME = JPEG.index(b"\xff\xc0")


def frame(side: int) -> bytes:
    """The header of a frame of this size."""
    return b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, side, side, 1) + b"\1\x11\0"


def hidden(side: int) -> bytes:
    """FF 00 is no marker to libjpeg; taken for a segment, it would hide what follows."""
    return b"\xff\0" + struct.pack(">H", 2 + len(frame(side))) + frame(side)


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
    """libjpeg would stop at most of them, too, but it is not asked to."""
    for place in (2, FRAME):
        with pytest.raises(UndecodableMediaError):
            decode_image(JPEG[:place] + inserted + JPEG[place:], LIMITS)


def test_a_frame_in_a_comment_is_not_the_pictures() -> None:
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(frame(LARGE))) + frame(LARGE)
    decoded = decode_image(JPEG[:2] + comment + JPEG[2:], LIMITS)
    assert np.array_equal(decoded, decode_image(JPEG, LIMITS))


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 1}])
def test_what_cameras_write_is_read(options: dict[str, int]) -> None:
    """Ten scans, and a marker behind each block."""
    stream = io.BytesIO()
    Image.fromarray(SMALL).save(stream, "JPEG", **options)
    assert decode_image(stream.getvalue(), LIMITS).shape == SMALL.shape


def with_scans(count: int) -> bytes:
    """A progressive JPEG in which the last scan comes again and again."""
    stream = io.BytesIO()
    Image.fromarray(SMALL).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


# --- PNG --------------------------------------------------------------------------------------


def chunk(name: bytes, content: bytes = b"") -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


PNG = factories.png(SMALL)


def test_a_png_of_two_headers_is_refused() -> None:
    """Which of them a decoder goes by is its own affair."""
    header = chunk(b"IHDR", struct.pack(">II", LARGE, LARGE) + PNG[24:29])
    for data in (PNG[:8] + header + PNG[8:], PNG[:33] + header + PNG[33:]):
        with pytest.raises(MediaError):
            decode_image(data, LIMITS)


# --- any bytes --------------------------------------------------------------------------------


def by_pillow(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(SMALL).save(stream, kind, **options)
    return stream.getvalue()


ORIGINALS = [
    *(write(SMALL) for write in factories.PICTURE_WRITERS.values()),
    by_pillow("JPEG", progressive=True),
    by_pillow("JPEG", restart_marker_blocks=1),
    by_pillow("TIFF", compression="jpeg"),
    by_pillow("TIFF", compression="tiff_lzw"),
    by_pillow("WEBP", quality=50),
    by_pillow("PNG", save_all=True, append_images=[Image.fromarray(SMALL // 2)]),
    by_pillow("WEBP", save_all=True, append_images=[Image.fromarray(SMALL // 2)]),
    tiff(grey_tiff([(256, SHORT, 1, 10)])),
    tiff(grey_tiff([(256, SHORT, 1, 10)]), ">"),
]
TRICKS = [
    hidden(100),
    frame(100),
    b"\xff\0",
    b"\xff\xff",
    b"\xff\xfe\0\0",
    b"\xff\xd8",
    b"\xff\xd9",
]
TAGS = [256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 322, 323, 330, 338, 339, 32997]


def _numbered(draw: st.DrawFn, data: bytearray) -> None:
    place = draw(st.integers(0, min(len(data), 400)))
    width = draw(st.sampled_from([1, 2, 4]))
    value = draw(st.sampled_from([0, 1, 2, 16, 100, 300, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]))
    packed = (value & (1 << 8 * width) - 1).to_bytes(width, "big")
    data[place : place + width] = packed[:: draw(st.sampled_from([1, -1]))]


def _tricked(draw: st.DrawFn, data: bytearray) -> None:
    places = [place for place in range(2, min(len(data), 700)) if data[place] == 0xFF]
    place = draw(st.sampled_from(places or [0]))
    data[place:place] = draw(st.sampled_from(TRICKS))


def _tagged(draw: st.DrawFn, data: bytearray) -> None:
    """The directory of a TIFF with an entry more, or another in its stead."""
    if not data.startswith((b"II", b"MM")) or len(data) < 8:
        return
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    places = range(start + 2, min(start + 2 + 12 * count, len(data)), 12)
    entries = [bytes(data[place : place + 12]) for place in places]
    type_ = draw(st.sampled_from([1, 3, 4, 6, 8, 9, 13, 16, 17, 5, 11, 12]))
    value = struct.pack(
        order + ("HH" if type_ in (3, 8) else "I"), *([100, 0][: 1 + (type_ in (3, 8))])
    )
    entry = struct.pack(order + "HHI", draw(st.sampled_from(TAGS)), type_, draw(st.integers(0, 3)))
    at = draw(st.integers(0, len(entries)))
    entries[at : at + draw(st.integers(0, 1))] = [entry + value]
    struct.pack_into(order + "I", data, 4, len(data))
    data += struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)


def _flipped(draw: st.DrawFn, data: bytearray) -> None:
    place = draw(st.integers(0, len(data)))
    data[place : place + 1] = draw(st.binary(max_size=3))


MUTATIONS: list[Callable[[st.DrawFn, bytearray], None]] = [_numbered, _tricked, _tagged, _flipped]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound picture after a few changes where its format keeps sizes, markers and tags."""
    data = bytearray(draw(st.sampled_from(ORIGINALS)))
    for _ in range(draw(st.integers(1, 3))):
        draw(st.sampled_from(MUTATIONS))(draw, data)
    return bytes(data)


@given(mutated())
@settings(max_examples=1000, deadline=None)
def test_no_decoder_makes_more_of_a_picture_than_was_checked(data: bytes) -> None:
    """OpenCV is asked beside the reader of headers, not behind it: its word has to be smaller."""
    kind = kind_of(data)
    if kind not in PICTURES or not is_whole(data, kind):
        return
    try:
        width, height = picture_size(data, kind)
    except MediaError:
        return
    decoded = decoded_size(data)
    if decoded is not None:
        assert decoded[0] * decoded[1] <= width * height


@given(st.binary(max_size=300), st.sampled_from([b"", *(data[:40] for data in ORIGINALS)]))
@settings(max_examples=500, deadline=None)
def test_any_bytes_have_a_size_or_are_refused(data: bytes, head: bytes) -> None:
    for kind in PICTURES:
        with contextlib.suppress(MediaError):
            width, height = picture_size(head + data, kind)
            assert width > 0
            assert height > 0
        is_whole(head + data, kind)
    assert 1 <= orientation(head + data) <= 8


MANY = 30_000
ENDLESS = {
    "TIFF of many tags": tiff([(40_000 + index % 20_000, SHORT, 1, 0) for index in range(65_000)]),
    "TIFF of one tag": tiff([(40_000, SHORT, 16, 0)] * 65_000),
    "JPEG of empty segments": b"\xff\xd8" + b"\xff\xe1\0\2" * MANY + b"\xff\xd9",
    "JPEG of fill": b"\xff\xd8" + b"\xff" * MANY,
    "JPEG of no markers": b"\xff\xd8\xff\xe1\0\2" + b"\xff\0" * MANY,
    "JPEG of restarts": b"\xff\xd8\xff\xe1\0\2" + b"\xff\xd0" * MANY,
    "JPEG of scans": with_scans(500),
    "PNG of empty chunks": PNG[:33] + chunk(b"tEXt") * 5 * MANY + PNG[33:],
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_header_without_end_is_refused_soon(name: str) -> None:
    """Counted in steps, not seconds; each was seen to take seconds or minutes."""
    data = ENDLESS[name]

    def read() -> None:
        with pytest.raises(MediaError):
            decode_image(data, MediaLimits())

    files = ("headers.py", "tiff.py", "jpeg.py")
    assert steps(read, 800_000, *files) < 800_000


def test_the_orientation_of_a_long_exif_block_is_found_soon() -> None:
    """In steps that grow with the block, not with its square."""
    entries = [(40_000, SHORT, 1, 0)] * 4000
    short, long = (tiff(entries[:count]) for count in (2000, 4000))

    def turned(block: bytes) -> int:
        return steps(lambda: orientation(block), 10**6, "tiff.py")

    assert turned(long) < 2.1 * turned(short)
