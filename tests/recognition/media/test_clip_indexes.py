"""Clips whose indexes stand for more than their bytes, and the parts that FFmpeg never sees."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Callable

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import LimitExceededError, MediaError, UndecodableMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import avi, matroska, mp4
from off_tanet.recognition.media.masking import MaskedFile, TooManyFramesError, View
from off_tanet.recognition.media.video import open_clip

from tests.support import factories
from tests.support.boxes import Box, boxes, changed, element, full, packed
from tests.support.encoders import film
from tests.support.steps import steps

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
    """Fails the test as soon as a file is handed to FFmpeg."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("FFmpeg was called")

    monkeypatch.setattr(av, "open", fail)


def with_table(box: Box, *path: bytes) -> bytes:
    """The MP4 with `box` in the stead of its namesake, or beside the others, at `path`."""

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
    """The MP4 with so many edits of its first track."""
    table = full(b"elst", count * len(entry) // len(EDIT), tail=entry * count)
    edits = Box(b"edts", parts=[table])
    return with_table(edits, b"moov", b"trak")


EDIT = struct.pack(">IiHH", 10_000, 0, 1, 0)


def with_runs(samples: int, times: int = 1) -> bytes:
    """The fragments, one of which has runs that stand for so many samples each."""

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
    """Edits that each show all frames again, none of whose numbers is too large by itself."""

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
    """FFmpeg unfolds them before it can be asked; each was seen to cost up to gigabytes."""
    with pytest.raises(LimitExceededError) as caught:
        open_clip(TOO_LONG[name](), LIMITS)
    assert caught.value.limit == "frames"


@pytest.mark.usefixtures("no_decoder")
def test_a_compressed_index_is_refused_by_its_name() -> None:
    """Fifty bytes of it can be a gigabyte."""
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
def test_boxes_that_can_be_read_in_two_ways_are_refused(change: Callable[[Box], None]) -> None:
    with pytest.raises(UndecodableMediaError):
        open_clip(changed(MP4, change), LIMITS)


def repeat(parent: Box, name: bytes, times: int = 1) -> None:
    assert parent.parts is not None
    parent.parts += [parent.part(name)] * times


def shorten(box: Box) -> None:
    box.data = box.data[:-3]


# --- what is shown ----------------------------------------------------------------------------


def shown(data: bytes, view: View) -> bytes:
    return MaskedFile(data, view.masks).read()


def count(data: bytes, name: bytes) -> int:
    """How many boxes of this name there are, at any depth."""

    def below(parts: list[Box]) -> int:
        return sum((part.name == name) + below(part.parts or []) for part in parts)

    return below(boxes(data))


ANYWHERE = [
    (),
    (b"moov",),
    (b"moov", b"trak"),
    STBL[:3],
    STBL[:4],
    STBL,
    (b"moov", b"trak", b"edts"),
]


MASKED = [b"trun", b"elst", b"udta", b"meta", b"uuid", b"sidx", b"cmov"]
ELSEWHERE = [
    pytest.param(path, name, id=b" ".join((*path, name)).decode())
    for path in ANYWHERE
    for name in MASKED
    if (path[-1:], name) not in (((b"edts",), b"elst"), ((b"moov",), b"cmov"))
]


@pytest.mark.parametrize(("path", "name"), ELSEWHERE)
def test_a_box_where_it_does_not_belong_is_masked(path: tuple[bytes, ...], name: bytes) -> None:
    """FFmpeg follows tables wherever they stand."""

    def change(root: Box) -> None:
        parent = root.part(*path) if path else root
        assert parent.parts is not None
        parent.parts.append(full(name, 1, tail=bytes(40)))

    data = changed(MP4, change)
    found = shown(data, mp4.view(data, 1000))
    assert count(found, name) == (name == b"elst")
    assert len(found) == len(data)
    assert len(list(open_clip(data, LIMITS))) == 8


def test_the_track_of_sound_is_masked() -> None:
    """And with it all that its tables stand for."""
    found = shown(MP4, mp4.view(MP4, 1000))
    assert [count(data, b"trak") for data in (MP4, found)] == [2, 1]
    assert count(found, b"smhd") == 0


def test_the_fragments_of_sound_are_masked() -> None:
    """A frame of sound is shorter than one of the picture: they are no frames of the clip."""
    found = shown(FRAGMENTED, mp4.view(FRAGMENTED, 1000))
    assert [count(data, b"traf") for data in (FRAGMENTED, found)] == [16, 8]
    assert len(list(open_clip(FRAGMENTED, MediaLimits(frames=8)))) == 8
    with pytest.raises(LimitExceededError):
        open_clip(FRAGMENTED, MediaLimits(frames=7))


def test_an_index_at_the_end_of_the_file_is_masked_wherever_it_stands() -> None:
    """FFmpeg looks for `mfra` by the file's last four bytes, even in the frames."""
    index = full(b"mfra", 0, tail=struct.pack(">I", 20))
    data = FRAGMENTED + Box(b"mdat", index.packed()).packed()
    assert data.count(b"mfra") == 2
    assert shown(data, mp4.view(data, 1000)).count(b"mfra") == 0


def test_a_description_of_colours_may_be_there_twice() -> None:
    """In numbers and as a profile, as Apple's cameras write it."""
    data = film(FRAMES, options={"colorspace": "1", "color_primaries": "1", "color_trc": "1"})
    box = data.index(b"colr") - 4
    colours = data[box : box + struct.unpack_from(">I", data, box)[0]]

    def twice(root: Box) -> None:
        table = root.part(*STBL, b"stsd")
        entry = table.data[8:]
        size = len(entry) + len(colours)
        table.data = table.data[:8] + struct.pack(">I", size) + entry[4:] + colours

    assert len(list(open_clip(changed(data, twice), LIMITS))) == 8


def test_edits_and_fragments_of_lawful_files_are_followed() -> None:
    """Editors cut, and recorders begin with an edit that shows nothing."""
    place = MP4.index(b"elst") + 12
    nothing, own = struct.pack(">IiHH", 40, -1, 1, 0), MP4[place : place + 12]
    assert len(list(open_clip(edited(1, nothing + own), LIMITS))) == 8
    assert len(list(open_clip(edited(3, own), LIMITS))) == 24
    assert len(list(open_clip(FRAGMENTED, LIMITS))) == 8


def test_sound_titles_and_indexes_of_an_avi_are_masked() -> None:
    found = shown(AVI, avi.view(AVI))
    assert len(found) == len(AVI)
    for name in (b"auds", b"INFO", b"idx1"):
        assert name in AVI
    assert b"auds" not in found
    assert b"idx1" not in found
    assert b"LIST" not in found[found.index(b"INFO") - 8 : found.index(b"INFO")]
    assert len(list(open_clip(AVI, LIMITS))) == 8


def test_titles_and_indexes_of_a_matroska_file_are_masked() -> None:
    view = matroska.view(MKV, 1000)
    found = shown(MKV, view)
    assert not view.broken
    assert len(found) == len(MKV)
    for name in (b"\x11\x4d\x9b\x74", b"\x1c\x53\xbb\x6b", b"\x12\x54\xc3\x67"):
        assert name in MKV
    assert len(view.masks) >= 3
    assert not matroska.view(found, 1000).masks


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("identity", [0x1C53BB6B, 0x6D80])
def test_an_element_with_a_size_of_any_width_becomes_padding(identity: int, width: int) -> None:
    """Its head keeps its length, so that all that follows stays in its place."""
    padded = element(identity, bytes(50), width)
    data = in_tracks(padded) if identity == 0x6D80 else MKV_HEAD + padded + MKV_CLUSTER
    view = matroska.view(data, 1000)
    found = shown(data, view)
    assert not view.broken
    assert len(found) == len(data)
    assert found != data
    assert not matroska.view(found, 1000).masks
    assert not matroska.view(found, 1000).broken


MKV_CLUSTER = element(0x1F43B675, element(0xE7, b"\0"))


@given(
    st.binary(max_size=300),
    st.dictionaries(st.integers(0, 300), st.binary(max_size=40), max_size=8),
    st.lists(st.integers(1, 50), max_size=20),
)
def test_a_masked_file_reads_alike_in_any_pieces(
    data: bytes, masks: dict[int, bytes], sizes: list[int]
) -> None:
    """FFmpeg reads and seeks as it likes."""
    whole = bytearray(data)
    for place, mask in sorted(masks.items()):
        part = mask[: max(0, len(data) - place)]
        whole[place : place + len(part)] = part
    file = MaskedFile(data, masks)
    position = 0
    for size in sizes:
        assert file.read(size) == whole[position : position + size]
        position = min(position + size, len(data))
    file.seek(0)
    assert file.read() == whole


# --- any bytes --------------------------------------------------------------------------------

ORIGINALS = [
    MP4,
    FRAGMENTED,
    MKV,
    AVI,
    factories.webm(FRAMES),
    factories.mov(FRAMES),
    edited(3, EDIT),
]
VALUES = [0, 1, 2, 8, 100, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]
NAMES = [b"stsz", b"stz2", b"trun", b"elst", b"moov", b"trak", b"free", b"cmov", b"LIST", b"RIFF"]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound clip with other numbers and names in its headers."""
    data = bytearray(draw(st.sampled_from(ORIGINALS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        if draw(st.booleans()):  # near a name that is there
            name = draw(st.sampled_from([*NAMES, b"stts", b"stsd", b"strf", b"hdrl", b"\x1f\x43"]))
            place = max(0, data.find(name)) + draw(st.integers(-8, 24))
        place = max(0, place)
        value = draw(st.sampled_from(VALUES)).to_bytes(4, "big")[:: draw(st.sampled_from([1, -1]))]
        data[place : place + 4] = draw(st.sampled_from([value, *NAMES]))
    return bytes(data)


REFUSALS = (MediaError, TooManyFramesError, ValueError, LookupError, struct.error)


@given(st.binary(max_size=300) | mutated())
@settings(max_examples=600, deadline=None)
def test_any_bytes_are_walked_once(data: bytes) -> None:
    """Each reader answers or refuses, in steps that are bounded by the bytes and by its counts."""
    files = ("mp4.py", "avi.py", "matroska.py")
    walks: list[Callable[[], object]] = [
        lambda: mp4.view(data, 100),
        lambda: avi.view(data),
        lambda: matroska.view(data, 100),
    ]
    for walk in walks:

        def bounded(walk: Callable[[], object] = walk) -> None:
            with contextlib.suppress(*REFUSALS):
                walk()

        steps(bounded, 1000 + 40 * len(data), *files)


def test_a_file_that_ends_within_a_cluster_is_walked_to_its_end() -> None:
    """The name alone is no cluster, and is not looked for again and again."""
    view = matroska.view(MKV_HEAD + b"\x1f\x43\xb6\x75", 1000)
    assert view.broken


@given(mutated())
@settings(max_examples=300, deadline=None)
def test_a_mutated_index_is_a_clip_or_a_media_error(data: bytes) -> None:
    with contextlib.suppress(MediaError):
        assert len(list(open_clip(data, MediaLimits(frames=20)))) <= 20
