"""What FFmpeg gets of a container; any bytes are a clip or a problem."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import LimitExceededError, MediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import avi, matroska, mp4
from off_tanet.recognition.media.masking import MaskedFile, TooManyFramesError, View
from off_tanet.recognition.media.video import open_clip

from tests.recognition.media.test_clip_indexes import (
    AVI,
    EDIT,
    FRAGMENTED,
    FRAMES,
    LIMITS,
    MKV,
    MKV_HEAD,
    MP4,
    STBL,
    edited,
    in_tracks,
)
from tests.support import factories
from tests.support.boxes import Box, boxes, changed, element, full
from tests.support.encoders import film
from tests.support.steps import steps


def shown(data: bytes, view: View) -> bytes:
    return MaskedFile(data, view.masks).read()


def count(data: bytes, name: bytes) -> int:
    """The number of boxes with this name, at any depth."""

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
def test_a_box_in_a_wrong_place_is_masked(path: tuple[bytes, ...], name: bytes) -> None:
    """FFmpeg follows tables wherever they are."""

    def change(root: Box) -> None:
        parent = root.part(*path) if path else root
        assert parent.parts is not None
        parent.parts.append(full(name, 1, tail=bytes(40)))

    data = changed(MP4, change)
    found = shown(data, mp4.view(data, 1000))
    assert count(found, name) == (name == b"elst")
    assert len(found) == len(data)
    assert len(list(open_clip(data, LIMITS))) == 8


def test_the_sound_track_is_masked() -> None:
    """With everything that its tables expand to."""
    found = shown(MP4, mp4.view(MP4, 1000))
    assert [count(data, b"trak") for data in (MP4, found)] == [2, 1]
    assert count(found, b"smhd") == 0


def test_the_fragments_of_sound_are_masked() -> None:
    """Sound frames are shorter than video frames, and are not frames of the clip."""
    found = shown(FRAGMENTED, mp4.view(FRAGMENTED, 1000))
    assert [count(data, b"traf") for data in (FRAGMENTED, found)] == [16, 8]
    assert len(list(open_clip(FRAGMENTED, MediaLimits(frames=8)))) == 8
    with pytest.raises(LimitExceededError):
        open_clip(FRAGMENTED, MediaLimits(frames=7))


def test_an_index_at_the_end_of_the_file_is_masked() -> None:
    """FFmpeg finds `mfra` by the file's last four bytes, even inside of the frames."""
    index = full(b"mfra", 0, tail=struct.pack(">I", 20))
    data = FRAGMENTED + Box(b"mdat", index.packed()).packed()
    assert data.count(b"mfra") == 2
    assert shown(data, mp4.view(data, 1000)).count(b"mfra") == 0


def test_a_colour_description_may_be_there_twice() -> None:
    """As numbers and as a profile, as Apple's cameras write it."""
    data = film(FRAMES, options={"colorspace": "1", "color_primaries": "1", "color_trc": "1"})
    box = data.index(b"colr") - 4
    colours = data[box : box + struct.unpack_from(">I", data, box)[0]]

    def twice(root: Box) -> None:
        table = root.part(*STBL, b"stsd")
        entry = table.data[8:]
        size = len(entry) + len(colours)
        table.data = table.data[:8] + struct.pack(">I", size) + entry[4:] + colours

    assert len(list(open_clip(changed(data, twice), LIMITS))) == 8


def test_edits_and_fragments_of_valid_files_are_followed() -> None:
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
    """Its header keeps its length, so that everything after it stays in its place."""
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
def test_a_masked_file_reads_alike_in_any_blocks(
    data: bytes, masks: dict[int, bytes], sizes: list[int]
) -> None:
    """FFmpeg reads and seeks in any order."""
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
    """A valid clip with other numbers and names in its headers."""
    data = bytearray(draw(st.sampled_from(ORIGINALS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        if draw(st.booleans()):  # near an existing name
            name = draw(st.sampled_from([*NAMES, b"stts", b"stsd", b"strf", b"hdrl", b"\x1f\x43"]))
            place = max(0, data.find(name)) + draw(st.integers(-8, 24))
        place = max(0, place)
        value = draw(st.sampled_from(VALUES)).to_bytes(4, "big")[:: draw(st.sampled_from([1, -1]))]
        data[place : place + 4] = draw(st.sampled_from([value, *NAMES]))
    return bytes(data)


REFUSALS = (MediaError, TooManyFramesError, ValueError, LookupError, struct.error)


@given(st.binary(max_size=300) | mutated())
@settings(max_examples=600, deadline=None)
def test_any_bytes_are_parsed_once(data: bytes) -> None:
    """Each reader answers or refuses, in a number of steps bounded by the bytes and its counts."""
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


def test_a_file_that_ends_within_a_cluster_is_parsed_to_its_end() -> None:
    """The name alone is not a cluster, and is not searched again and again."""
    view = matroska.view(MKV_HEAD + b"\x1f\x43\xb6\x75", 1000)
    assert view.broken


@given(mutated())
@settings(max_examples=300, deadline=None)
def test_a_mutated_index_is_a_clip_or_a_media_error(data: bytes) -> None:
    with contextlib.suppress(MediaError):
        assert len(list(open_clip(data, MediaLimits(frames=20)))) <= 20
