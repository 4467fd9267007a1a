"""Uploads of a few bytes or megabytes that declare, or expand to, gigabytes."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from tests.benchmarks import load
from tests.support import factories
from tests.support.boxes import Box, changed, full
from tests.support.encoders import film

SIDE = 30_000  # pixels: 2.7 GB in colour
VIDEO_SIDE = 10_000
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Bomb:
    """A whole request, its expected status and, with 413, the limit that it exceeds."""

    request: bytes
    status: int
    limit: str | None = None


def bombs() -> dict[str, Bomb]:
    """Every bomb by its name."""
    return {
        "PNG of 30,000 x 30,000": _pictures(factories.claiming_png(SIDE, SIDE), "max_image_pixels"),
        "BMP of 30,000 x 30,000": _pictures(bmp(), "max_image_pixels"),
        "TIFF of 30,000 x 30,000": _pictures(tiff(), "max_image_pixels"),
        "WebP of 16,384 x 16,384": _pictures(webp(), "max_image_pixels"),
        "PNG with 1 GB of text": _pictures(unfolding_png()),
        "PNG of a million frames": _pictures(animated_png()),
        "GIF of 100,000 frames": _clip(gif(), "max_seconds"),
        "AVI of a million frames": _clip(long_avi(), "max_seconds"),
        "MP4 of a million frames": _clip(long_mp4(), "max_frames"),
        "TIFF that says two sizes": _pictures(lying_tiff()),
        "JPEG that hides its size": _pictures(lying_jpeg(), "max_image_pixels"),
        "JPEG of a million segments": _pictures(b"\xff\xd8" + b"\xff\xe1\0\2" * MILLION),
        "PNG of 250,000 chunks": _pictures(crowded_png()),
        "MP4 of a long run": _clip(long_run(), "max_frames"),
        "MP4 of many edits": _clip(many_edits(), "max_frames"),
        "MP4 of half bytes": _clip(half_bytes(), "max_frames"),
        "MP4 of a compressed index": _clip(compressed_index()),
        "MKV of a million elements": _clip(crowded_mkv(), "max_frames"),
        "MKV of 10,000 x 10,000": _clip(large_mkv(), "max_video_pixels"),
        "AVI of 10,000 x 10,000": _clip(large_avi()),
        "form in form, 10,000 deep": Bomb(_frames({"onset": nested(), "apex": nested()}), 415),
        "form of 10,000 parts": Bomb(_frames({f"part {i}": b"" for i in range(10_000)}), 400),
        "JSON of 5,000,000 members": Bomb(_json(b"[" + b"{}," * 5 * MILLION + b"0]"), 422),
        "JSON of 1,000,000 lists": Bomb(_json(b"[" * MILLION), 400),
    }


def _frames(parts: dict[str, bytes]) -> bytes:
    return load.upload("/v1/predictions/frames", parts)


def _pictures(data: bytes, limit: str | None = None) -> Bomb:
    """Within the limits it is an image without a face."""
    return Bomb(_frames({"onset": data, "apex": data}), 413 if limit else 422, limit)


def _clip(data: bytes, limit: str | None = None) -> Bomb:
    """Within the limits it has no decodable frame."""
    request = load.upload("/v1/predictions/clip", {"video": data})
    return Bomb(request, 413 if limit else 422, limit)


def _json(body: bytes) -> bytes:
    head = f"POST /v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Content-Type: application/json\r\n\r\n" + body


def _patched(data: bytes, place: int, value: bytes) -> bytes:
    return data[:place] + value + data[place + len(value) :]


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def bmp() -> bytes:
    return _patched(factories.bmp(factories.picture()), 18, struct.pack("<ii", SIDE, SIDE))


def webp() -> bytes:
    """16,384 x 16,384, the maximum of the format."""
    return _patched(factories.webp(factories.picture()), 21, b"\xff\xff\xff\x0f")


def tiff() -> bytes:
    tags = struct.pack("<HHHIIHHII", 2, 256, 4, 1, SIDE, 257, 4, 1, SIDE)
    return b"II*\0" + struct.pack("<I", 8) + tags


def unfolding_png() -> bytes:
    """A small image after a gigabyte of text, in a megabyte."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(MILLION)) for _ in range(1000)) + packer.flush()
    data = factories.png(factories.picture())
    return data[:33] + _chunk(b"zTXt", b"Comment\0\0" + packed) + data[33:]


def animated_png() -> bytes:
    """A small image that declares a million more after it."""
    data = factories.png(factories.picture())
    return data[:33] + _chunk(b"acTL", struct.pack(">II", MILLION, 0)) + data[33:]


def gif(frames: int = 100_000) -> bytes:
    """This many frames of one pixel, 10 ms each, 26 bytes a frame."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    control = b"\x21\xf9\x04\0" + struct.pack("<H", 1) + b"\0\0"
    return (
        head
        + (control + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0") * (frames)
        + b";"
    )


def long_mp4() -> bytes:
    """An MP4 whose tables repeat its first frame a million times."""
    data = factories.mp4(factories.frames())
    times = data.index(b"stts") + 8
    sizes = data.index(b"stsz") + 8
    data = _patched(data, times, struct.pack(">II", 1, MILLION)[4:])
    return _patched(data, sizes, struct.pack(">II", 10, MILLION))


def lying_tiff() -> bytes:
    """A width as SLONG, which libtiff accepts, and again as SHORT."""
    tags = [(256, 9, SIDE), (256, 3, 10), (257, 9, SIDE), (257, 3, 10)]
    packed = b"".join(struct.pack("<HHII", tag, type_, 1, value) for tag, type_, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + packed + bytes(4)


def lying_jpeg() -> bytes:
    """A frame of 30,000 x 30,000 after bytes that are not a marker, and before another frame."""
    data = factories.jpeg(factories.picture())
    frame = data.index(b"\xff\xc0")
    large = _patched(data[frame:], 5, struct.pack(">HH", SIDE, SIDE))
    return data[:frame] + b"\xff\0" + struct.pack(">H", len(large)) + large + data[frame:]


def crowded_png() -> bytes:
    data = factories.png(factories.picture())
    return data[:33] + _chunk(b"tEXt", b"") * (MILLION // 4) + data[33:]


def long_run() -> bytes:
    """A fragment that expands to fifty million frames, in four bytes."""

    def change(root: Box) -> None:
        fragment = root.part(b"moof", b"traf")
        assert fragment.parts is not None
        fragment.parts.append(full(b"trun", 50 * MILLION))

    muxer = {"movflags": "frag_keyframe+empty_moov"}
    return changed(film(factories.frames(), muxer=muxer), change)


def many_edits() -> bytes:
    """Two hundred thousand edits, each of which shows all frames again."""
    entries = struct.pack(">IiHH", 10_000, 0, 1, 0) * (MILLION // 5)
    edits = Box(b"edts", parts=[full(b"elst", MILLION // 5, tail=entries)])
    return _replaced(edits, b"edts", b"moov", b"trak")


def half_bytes() -> bytes:
    """A table of sizes of four bits each."""
    table = full(b"stz2", 4, 10 * MILLION, tail=bytes(5 * MILLION))
    return _replaced(table, b"stsz", b"moov", b"trak", b"mdia", b"minf", b"stbl")


def compressed_index() -> bytes:
    parts = Box(b"dcom", b"zlib").packed() + full(b"cmvd", 10**9, tail=bytes(100)).packed()
    return _replaced(Box(b"cmov", parts), b"mvhd", b"moov")


def _replaced(box: Box, name: bytes, *path: bytes) -> bytes:
    """An MP4 with `box` instead of the box called `name` at `path`."""

    def change(root: Box) -> None:
        parent = root.part(*path)
        assert parent.parts is not None
        parent.parts = [part for part in parent.parts if part.name != name] + [box]

    return changed(film(factories.frames()), change)


def crowded_mkv() -> bytes:
    """Padding of two bytes each, which FFmpeg and the checks before it walk along."""
    data = film(factories.frames(), "matroska")
    cluster = data.index(b"\x1f\x43\xb6\x75")
    size = data.index(b"\x18\x53\x80\x67") + 4
    return _patched(data[:cluster], size, b"\x01" + b"\xff" * 7) + b"\xec\x80" * MILLION


def large_avi() -> bytes:
    """An AVI that declares in each of its headers that its frames are 10,000 x 10,000."""
    data, side = factories.avi(factories.frames()), struct.pack("<II", VIDEO_SIDE, VIDEO_SIDE)
    data = _patched(data, data.index(b"avih") + 8 + 32, side)
    return _patched(data, data.index(b"strf") + 8 + 4, side)


def long_avi() -> bytes:
    """An AVI that declares a million frames."""
    data, claim = factories.avi(factories.frames()), struct.pack("<I", MILLION)
    data = _patched(data, data.index(b"avih") + 8 + 16, claim)
    return _patched(data, data.index(b"strh") + 8 + 32, claim)


def large_mkv() -> bytes:
    """An MKV of VP8 whose container declares another size: PixelWidth and PixelHeight."""
    data = film(factories.frames(2, 300, 300), "matroska", "libvpx")
    side = struct.pack(">H", VIDEO_SIDE)
    for name in (b"\xb0\x82", b"\xba\x82"):
        data = _patched(data, data.index(name + struct.pack(">H", 300)) + 2, side)
    return data


def nested(depth: int = 10_000) -> bytes:
    """A form in a form in a form…"""
    heads = [
        f"--{level}\r\nContent-Type: multipart/mixed; boundary={level + 1}\r\n\r\n"
        for level in range(depth)
    ]
    return "".join(heads).encode()
