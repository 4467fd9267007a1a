"""Damaged clips: lost frames are left out and reported, never shown as motion."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import UndecodableMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import entropy
from off_tanet.recognition.media.entropy import Outcome
from off_tanet.recognition.media.video import open_clip
from off_tanet.types import Frame, Pixels
from PIL import Image

from tests.support import factories
from tests.support.encoders import film, of_jpegs

FPS = 100
_SCENE = factories.picture(136, 168, 3)
FRAMES = [np.ascontiguousarray(_SCENE[i : i + 96, i : i + 128]) for i in range(40)]
"""An image that moves by a pixel a frame: a frame built on the wrong reference is far off."""
JPEGS = [factories.jpeg(pixels, 90) for pixels in FRAMES]
QUIET = "log-level=none:"


def read(data: bytes) -> tuple[list[Frame], bool]:
    """The frames, and whether damage is reported."""
    clip = open_clip(data, MediaLimits())
    frames = list(clip)
    return frames, clip.damaged


def apart(frame: Frame, original: Pixels) -> float:
    return float(np.abs(frame.pixels.astype(int) - original).mean())


def furthest(frames: list[Frame]) -> float:
    """The difference of the worst frame to its nearest original, in grey levels."""
    return max(min(apart(frame, original) for original in FRAMES) for frame in frames)


# --- motion JPEG ------------------------------------------------------------------------------


def without_tables(jpeg: bytes) -> bytes:
    """The image with the standard's Huffman tables, with which OpenCV encodes."""
    kept, place = jpeg[:2], 2
    while jpeg[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
        kept += b"" if jpeg[place + 1] == 0xC4 else jpeg[place:end]
        place = end
    return kept + jpeg[place:]


HARMLESS: dict[str, Callable[[bytes], bytes]] = {
    "no end marker": lambda jpeg: jpeg[:-2],
    "padding": lambda jpeg: jpeg + bytes(512),
    "fill bytes": lambda jpeg: jpeg[:-2] + b"\xff" * 6 + b"\xff\xd9",
    "bytes before it": lambda jpeg: bytes(2) + jpeg,
    "no Huffman tables": lambda jpeg: without_tables(jpeg),
}
LOST: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda jpeg: jpeg[: len(jpeg) // 2],
    "half, with an end marker": lambda jpeg: jpeg[: len(jpeg) // 2] + b"\xff\xd9",
    "the last rows": lambda jpeg: jpeg[: len(jpeg) * 95 // 100],
    "all but the header": lambda jpeg: jpeg[:700],
    "all": lambda jpeg: bytes(len(jpeg)),
}


@pytest.mark.parametrize("container", ["avi", "mov", "matroska"])
@pytest.mark.parametrize("name", HARMLESS)
def test_what_cheap_cameras_add_or_omit_is_not_damage(name: str, container: str) -> None:
    frames, damaged = read(of_jpegs([HARMLESS[name](jpeg) for jpeg in JPEGS], container))
    assert not damaged
    assert len(frames) == len(FRAMES)
    assert all(apart(*pair) < 6 for pair in zip(frames, FRAMES, strict=True))


@pytest.mark.parametrize("container", ["avi", "mov", "matroska"])
@pytest.mark.parametrize("at", [10, 39])
@pytest.mark.parametrize("name", LOST)
def test_an_incomplete_image_is_left_out(name: str, at: int, container: str) -> None:
    """The grey below the cut would be the largest motion of the clip."""
    jpegs = [LOST[name](jpeg) if index == at else jpeg for index, jpeg in enumerate(JPEGS)]
    frames, damaged = read(of_jpegs(jpegs, container))
    assert damaged
    shown = [index for index in range(40) if index != at]
    assert [round(frame.time_s * FPS) for frame in frames] == shown
    assert all(apart(frame, FRAMES[at]) < 6 for frame, at in zip(frames, shown, strict=True))


@pytest.mark.parametrize("container", ["avi", "mov", "matroska"])
def test_a_changed_byte_is_reported_where_it_shows(container: str) -> None:
    """FFmpeg silently continues after it with every block displaced."""
    original, random = factories.portrait(), np.random.default_rng(0)
    whole = factories.jpeg(original, 90)
    shown = reported = 0
    for at in random.integers(2000, len(whole) - 2000, 20):
        changed = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
        frames, damaged = read(of_jpegs([whole, changed, whole], container, (512, 512)))
        reported += damaged
        wrong = max(
            (np.abs(frame.pixels.astype(int) - original) > 24).any(2).mean() for frame in frames
        )
        shown += not damaged and wrong > 0.1
    assert reported > 5
    assert shown <= 1


@pytest.mark.parametrize("container", ["avi", "mov", "matroska"])
def test_a_frame_that_the_camera_dropped_is_a_gap_in_time(container: str) -> None:
    """An empty chunk; a decoder that receives it takes it for the end."""
    jpegs = [b"" if index % 10 == 7 else jpeg for index, jpeg in enumerate(JPEGS)]
    frames, _ = read(of_jpegs(jpegs, container))
    shown = [index for index in range(40) if index % 10 != 7]
    assert [round(frame.time_s * FPS) for frame in frames] == shown
    assert all(apart(frame, FRAMES[at]) < 6 for frame, at in zip(frames, shown, strict=True))


# --- frames that are built on others ----------------------------------------------------------


def without(data: bytes, lost: Collection[int], container: str) -> bytes:
    """The clip without these packets, numbered in coding order."""
    stream = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as source, av.open(stream, "w", format=container) as file:
        original = source.streams.video[0]
        video = file.add_stream_from_template(original)
        packets = [packet for packet in source.demux(original) if packet.size]
        for index, packet in enumerate(packets):
            if index not in lost:
                packet.stream = video
                file.mux(packet)
    return stream.getvalue()


ENDLESS = {"x264-params": f"{QUIET}intra-refresh=1:keyint=12:bframes=0"}
KEYS = {"x264-params": f"{QUIET}keyint=15:scenecut=0:bframes=0:ref=1"}
OPEN = {"x264-params": f"{QUIET}keyint=15:scenecut=0:bframes=3:open-gop=1"}
STARTS = {
    "H.264 in AVI": ("avi", "libx264", KEYS),
    "H.264 in MP4": ("mp4", "libx264", KEYS),
    "H.264, open groups": ("mp4", "libx264", OPEN),
    "H.264, intra refresh": ("matroska", "libx264", ENDLESS),
    "HEVC": ("mp4", "libx265", {"x265-params": f"{QUIET}keyint=15:scenecut=0:open-gop=1"}),
    "MPEG-4": ("mp4", "mpeg4", {"g": "15", "qscale": "2"}),
    "MPEG-4 in AVI": ("avi", "mpeg4", {"g": "15", "bf": "2", "qscale": "2"}),
    "VP8": ("matroska", "libvpx", {"g": "15", "b": "4M"}),
    "VP9": ("matroska", "libvpx-vp9", {"g": "15", "b": "4M"}),
}


def filmed(name: str) -> tuple[bytes, str]:
    container, codec, options = STARTS[name]
    return film(FRAMES, container, codec, fps=FPS, options=options), container


@pytest.mark.parametrize("name", STARTS)
def test_a_recording_without_a_first_key_frame_begins_with_the_next(name: str) -> None:
    """As recorders of network cameras cut them; MPEG-4's decoder begins with grey."""
    data, container = filmed(name)
    whole, damaged = read(data)
    assert not damaged
    frames, damaged = read(without(data, range(4), container))
    assert damaged
    assert 2 <= len(frames) < len(whole) - 4
    assert furthest(frames) <= furthest(whole) + 1


@pytest.mark.parametrize("name", ["H.264, open groups", "HEVC"])
def test_no_frame_built_on_a_lost_key_frame_is_shown(name: str) -> None:
    """The decoder continues with the last one, which is another image."""
    data, container = filmed(name)
    with av.open(io.BytesIO(data), "r") as file:
        packets = [packet for packet in file.demux(video=0) if packet.size]
    key = [index for index, packet in enumerate(packets) if packet.is_keyframe][1]
    frames, damaged = read(without(data, {key}, container))
    assert damaged
    assert furthest(frames) <= furthest(read(data)[0]) + 1
    times_s = [frame.time_s for frame in frames]
    assert (np.diff(times_s) > 0).all()


# --- containers -------------------------------------------------------------------------------

FRAGMENTS = film(FRAMES, fps=FPS, options=KEYS, muxer={"movflags": "frag_every_frame+empty_moov"})


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("size", [bytes(4), b"\x7f\0\0\0", b"\0\0\0\x03"])
def test_fragments_after_a_damaged_one_are_reported(part: float, size: bytes) -> None:
    """Its size is wrong: the frames after it used to be left out silently."""
    place = FRAGMENTS.index(b"moof", int(part * len(FRAGMENTS))) - 4
    frames, damaged = read(FRAGMENTS[:place] + size + b"\0\0\0\0" + FRAGMENTS[place + 8 :])
    assert damaged
    assert furthest(frames) < 6


@pytest.mark.parametrize("tail", [b"", bytes(100), b"\0\0\0\x09more than a box", b"GPS 1 2 3" * 50])
def test_any_bytes_may_follow_the_last_box(tail: bytes) -> None:
    """Cameras append their own data."""
    frames, damaged = read(FRAGMENTS + tail)
    assert len(frames) == len(FRAMES)
    assert not damaged


GIF = factories.gif(FRAMES)


def test_an_intact_gif_is_not_reported() -> None:
    frames, damaged = read(GIF)
    assert len(frames) == len(FRAMES)
    assert not damaged
    assert not read(GIF + bytes(10))[1]


PORTRAITS = [np.roll(factories.portrait()[::2, ::2], shift, axis=1) for shift in range(4)]


@pytest.mark.parametrize("how", ["changed", "lost", "doubled"])
def test_damage_of_a_gif_is_reported(how: str) -> None:
    """FFmpeg fills in missing pixels, and leaves frames out."""
    whole = factories.gif(PORTRAITS)
    reported = 0
    for place in np.linspace(0.1, 0.95, 12) * len(whole):
        at, end = int(place), int(place) + (1 if how == "changed" else 64)
        changed = {
            "changed": whole[:at] + bytes([whole[at] ^ 0x55]) + whole[end:],
            "lost": whole[:at] + whole[end:],
            "doubled": whole[:end] + whole[at:],
        }[how]
        try:
            reported += read(changed)[1]
        except UndecodableMediaError:
            reported += 1
    assert reported >= (8 if how == "changed" else 12)


@given(st.integers(1, 70), st.integers(1, 70), st.integers(2, 256), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_no_intact_gif_is_reported(height: int, width: int, colours: int, seed: int) -> None:
    """Of any size, number of colours and noise."""
    noise = np.random.default_rng(seed).integers(0, 255, (height, width), dtype=np.uint8)
    image = Image.fromarray(noise).quantize(colours)
    stream = io.BytesIO()
    image.save(stream, "GIF", save_all=True, append_images=[image.rotate(180)], duration=40)
    assert entropy.walk_gif(stream.getvalue()) is Outcome.WHOLE
