"""Clip indexes that expand to far more than their bytes, and parts that FFmpeg never gets."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import av
import pytest
from off_tanet.errors import LimitExceededError, UndecodableMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.video import open_clip

from tests.support import factories
from tests.support.boxes import Box, boxes, changed, element, full, packed
from tests.support.encoders import film

LIMITS = MediaLimits(seconds=1e9)
FRAMES = factories.frames(8)
MP4 = film(FRAMES, sound=True)
FRAGMENTED = film(
    FRAMES, sound=True, options={"g": "1"}, muxer={"movflags": "frag_keyframe+empty_moov"}
)
MKV = film(FRAMES, "matroska", sound=True)
AVI = film(FRAMES, "avi", "mjpeg", samples="yuvj420p", sound=True)
MILLIONS = 50_000_000
STBL = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test as soon as a file is passed to FFmpeg."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("FFmpeg was called")

    monkeypatch.setattr(av, "open", fail)


def with_table(box: Box, *path: bytes) -> bytes:
    """The MP4 with `box` instead of its namesake, or next to it, at `path`."""

    def change(root: Box) -> None:
        parent = root.part(*path)
        assert parent.parts is not None
        parent.parts = [part for part in parent.parts if part.name != box.name] + [box]

    return changed(MP4, change)


def with_sizes(box: Box) -> bytes:
    """The MP4 with another table of sizes."""

    def change(root: Box) -> None:
        table = root.part(*STBL)
        assert table.parts is not None
        table.parts = [part for part in table.parts if part.name != b"stsz"] + [box]

    return changed(MP4, change)


def edited(count: int, entry: bytes) -> bytes:
    """The MP4 with this many edits of its first track."""
    table = full(b"elst", count * len(entry) // len(EDIT), tail=entry * count)
    edits = Box(b"edts", parts=[table])
    return with_table(edits, b"moov", b"trak")


EDIT = struct.pack(">IiHH", 10_000, 0, 1, 0)


def with_runs(samples: int, times: int = 1) -> bytes:
    """The fragments, one of which has runs of this many samples each."""

    def change(root: Box) -> None:
        runs = root.part(b"moof", b"traf").parts
        assert runs is not None
        runs += [full(b"trun", samples)] * times

    return changed(FRAGMENTED, change)


def empty_fragments(count: int) -> bytes:
    """Fragments of the first track with a run of nothing."""
    head = full(b"tfhd", 1, flags=0x20000)
    fragment = Box(b"moof", parts=[Box(b"traf", parts=[head, full(b"trun", 0)])])
    return FRAGMENTED + fragment.packed() * count


MKV_HEAD = element(0x1A45DFA3, element(0x4282, b"matroska")) + b"\x18\x53\x80\x67\x01" + b"\xff" * 7


def in_tracks(entries: bytes) -> bytes:
    return MKV_HEAD + element(0x1654AE6B, entries)


TOO_LONG: dict[str, Callable[[], bytes]] = {
    "stsz of one size": lambda: with_sizes(full(b"stsz", 10, MILLIONS)),
    "stsz": lambda: with_sizes(full(b"stsz", 0, 2000, tail=bytes(8000))),
    "stz2, 4 bits": lambda: with_sizes(full(b"stz2", 4, 20_000, tail=bytes(10_000))),
    "stz2, 16 bits": lambda: with_sizes(full(b"stz2", 16, 20_000, tail=bytes(40_000))),
    "stts": lambda: with_table(full(b"stts", 2000, tail=bytes(16_000)), *STBL),
    "ctts": lambda: with_table(full(b"ctts", 2000, tail=bytes(16_000)), *STBL),
    "stsc": lambda: with_table(full(b"stsc", 2000, tail=bytes(24_000)), *STBL),
    "stco": lambda: with_table(full(b"stco", 2000, tail=bytes(8000)), *STBL),
    "co64": lambda: with_table(full(b"co64", 2000, tail=bytes(16_000)), *STBL),
    "stss": lambda: with_table(full(b"stss", 2000, tail=bytes(8000)), *STBL),
    "trun": lambda: with_runs(MILLIONS),
    "many trun": lambda: with_runs(100, 100),
    "empty trun": lambda: with_runs(0, 2000),
    "fragments": lambda: empty_fragments(2000),
    "edits": lambda: edited(2000, EDIT),
    "edits of all frames": lambda: edited_samples(900, 500),
    "boxes": lambda: MP4 + Box(b"free").packed() * 40_000,
    "boxes in a box": lambda: with_table(
        Box(b"edts", Box(b"free").packed() * 40_000), b"moov", b"trak"
    ),
    "elements": lambda: MKV_HEAD + b"\xec\x80" * 40_000,
    "elements of a list": lambda: MKV_HEAD + element(0xA0, element(0x75A1, b"\xa6\x80" * 40_000)),
    "elements of a track": lambda: in_tracks(element(0xAE, b"\x55\xb0\x80" * 40_000)),
    "tracks": lambda: in_tracks(b"\xae\x80" * 40_000),
}


def edited_samples(edits: int, samples: int) -> bytes:
    """Edits that each show all frames again; none of their numbers is too large by itself."""

    def change(root: Box) -> None:
        track = root.part(b"moov", b"trak")
        assert track.parts is not None
        track.parts = [part for part in track.parts if part.name != b"edts"]
        track.parts.insert(1, Box(b"edts", parts=[full(b"elst", edits, tail=EDIT * edits)]))
        table = root.part(*STBL)
        assert table.parts is not None
        table.parts = [part for part in table.parts if part.name != b"stsz"]
        table.parts.append(full(b"stsz", 10, samples))

    return changed(MP4, change)


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("name", TOO_LONG)
def test_an_index_that_is_too_long_never_reaches_ffmpeg(name: str) -> None:
    """FFmpeg expands them at once; each of these took up to gigabytes."""
    with pytest.raises(LimitExceededError) as caught:
        open_clip(TOO_LONG[name](), LIMITS)
    assert caught.value.limit == "frames"


@pytest.mark.usefixtures("no_decoder")
def test_a_compressed_index_is_refused_by_its_name() -> None:
    """Fifty bytes of it can expand to a gigabyte."""
    index = zlib.compress(bytes(1000))
    parts = [Box(b"dcom", b"zlib"), full(b"cmvd", 1000, tail=index)]
    movie = Box(b"moov", Box(b"cmov", packed(parts)).packed())
    with pytest.raises(UndecodableMediaError, match="cmov"):
        open_clip(packed([boxes(MP4)[0], movie]), LIMITS)


TWICE = [b"mdia", b"tkhd", b"edts"]


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize(
    "change",
    [
        *(lambda root, name=name: repeat(root.part(b"moov", b"trak"), name) for name in TWICE),
        lambda root: repeat(root.part(b"moov"), b"mvhd"),
        lambda root: repeat(root.part(*STBL), b"stsz"),
        lambda root: repeat(root.part(*STBL), b"stsd"),
        lambda root: repeat(root.part(b"moov"), b"trak", 40),
        lambda root: shorten(root.part(*STBL, b"stsz")),
        lambda root: shorten(root.part(*STBL, b"stts")),
        lambda root: shorten(root.part(*STBL, b"stsd")),
    ],
    ids=[*map(bytes.decode, TWICE), "mvhd", "stsz", "stsd", "tracks", "sizes", "steps", "entries"],
)
def test_ambiguous_boxes_are_refused(change: Callable[[Box], None]) -> None:
    with pytest.raises(UndecodableMediaError):
        open_clip(changed(MP4, change), LIMITS)


def repeat(parent: Box, name: bytes, times: int = 1) -> None:
    assert parent.parts is not None
    parent.parts += [parent.part(name)] * times


def shorten(box: Box) -> None:
    box.data = box.data[:-3]
