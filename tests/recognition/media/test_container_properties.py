"""Damaged image headers: a decoder never finds more pixels than the check has read."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import MediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.containers import PICTURES, is_whole, kind_of, picture_size
from off_tanet.recognition.media.images import decode_image
from off_tanet.recognition.media.tiff import orientation
from PIL import Image

from tests.support import factories
from tests.support.crafted_images import SHORT, frame, grey_tiff, hidden, tiff
from tests.support.factories import chunk
from tests.support.steps import steps

SMALL = factories.picture(24, 32)
PNG = factories.png(SMALL)


def decoded_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of what OpenCV alone decodes; None if it refuses."""
    with contextlib.suppress(cv2.error):
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        return None if samples is None else (samples.shape[1], samples.shape[0])
    return None


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
SEGMENTS = [
    hidden(100),
    frame(100),
    b"\xff\0",
    b"\xff\xff",
    b"\xff\xfe\0\0",
    b"\xff\xd8",
    b"\xff\xd9",
]
TAGS = [256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 322, 323, 330, 338, 339, 32997]


def _set_number(draw: st.DrawFn, data: bytearray) -> None:
    place = draw(st.integers(0, min(len(data), 400)))
    width = draw(st.sampled_from([1, 2, 4]))
    value = draw(st.sampled_from([0, 1, 2, 16, 100, 300, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]))
    packed = (value & (1 << 8 * width) - 1).to_bytes(width, "big")
    data[place : place + width] = packed[:: draw(st.sampled_from([1, -1]))]


def _insert_segment(draw: st.DrawFn, data: bytearray) -> None:
    places = [place for place in range(2, min(len(data), 700)) if data[place] == 0xFF]
    place = draw(st.sampled_from(places or [0]))
    data[place:place] = draw(st.sampled_from(SEGMENTS))


def _change_tag(draw: st.DrawFn, data: bytearray) -> None:
    """Insert or replace an entry of a TIFF's directory."""
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


def _overwrite(draw: st.DrawFn, data: bytearray) -> None:
    place = draw(st.integers(0, len(data)))
    data[place : place + 1] = draw(st.binary(max_size=3))


MUTATIONS: list[Callable[[st.DrawFn, bytearray], None]] = [
    _set_number,
    _insert_segment,
    _change_tag,
    _overwrite,
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid image after one to three changes to its sizes, markers or tags."""
    data = bytearray(draw(st.sampled_from(ORIGINALS)))
    for _ in range(draw(st.integers(1, 3))):
        draw(st.sampled_from(MUTATIONS))(draw, data)
    return bytes(data)


@given(mutated())
@settings(max_examples=1000, deadline=None)
def test_no_decoder_reads_more_pixels_than_were_checked(data: bytes) -> None:
    """OpenCV decodes independently of the header check; its image must not be larger."""
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


def with_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is repeated `count` times."""
    stream = io.BytesIO()
    Image.fromarray(SMALL).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


MANY = 30_000
ENDLESS = {
    "TIFF of many tags": tiff([(40_000 + index % 20_000, SHORT, 1, 0) for index in range(65_000)]),
    "TIFF of one tag": tiff([(40_000, SHORT, 16, 0)] * 65_000),
    "JPEG of empty segments": b"\xff\xd8" + b"\xff\xe1\0\2" * MANY + b"\xff\xd9",
    "JPEG of fill": b"\xff\xd8" + b"\xff" * MANY,
    "JPEG of no markers": b"\xff\xd8\xff\xe1\0\2" + b"\xff\0" * MANY,
    "JPEG of restarts": b"\xff\xd8\xff\xe1\0\2" + b"\xff\xd0" * MANY,
    "JPEG of scans": with_scans(500),
    "PNG of empty chunks": PNG[:33] + chunk(b"tEXt", b"") * 5 * MANY + PNG[33:],
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_header_is_refused_soon(name: str) -> None:
    """Counted in executed lines, not seconds; each of these once took seconds or minutes."""
    data = ENDLESS[name]

    def read() -> None:
        with pytest.raises(MediaError):
            decode_image(data, MediaLimits())

    # 100,000 chunks of a PNG are walked, by nine lines each.
    most = 950_000 if name.startswith("PNG") else 100_000
    steps(read, most, "containers.py", "tiff.py", "jpeg.py", "png.py")


def test_the_orientation_of_a_long_exif_block_is_found_soon() -> None:
    """The work grows with the block's length, not with its square."""
    entries = [(40_000, SHORT, 1, 0)] * 4000
    short, long = (tiff(entries[:count]) for count in (2000, 4000))

    def work(block: bytes) -> int:
        return steps(lambda: orientation(block), 10**6, "tiff.py")

    assert work(long) < 2.1 * work(short)
