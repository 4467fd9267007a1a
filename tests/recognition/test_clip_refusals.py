"""Clips that are over a limit or damaged are refused, before they cost anything, or told of."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest

from service.recognition.clips import ClipStream, open_clip, open_video
from service.recognition.errors import (
    LimitExceededError,
    TooFewFramesError,
    UndecodableMediaError,
    UnsupportedMediaError,
)
from service.recognition.media import MediaLimits
from service.recognition.types import Frame
from tests import made
from tests.films import KEYS, film, spliced, without_key_frame
from tests.recognition.test_clips import FRAMES, LIMITS, MP4, decode, times


@pytest.mark.parametrize("kind", made.CLIP_WRITERS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_clip_that_was_cut_short_is_refused(kind: str, kept: float) -> None:
    """FFmpeg plays what is there, and the apex may be in what is not."""
    data = made.CLIP_WRITERS[kind](FRAMES, 20.0)
    with pytest.raises(UndecodableMediaError):
        decode(made.truncated(data, kept))


@pytest.mark.parametrize("kind", sorted(set(made.CLIP_WRITERS) - {"mkv", "webm"}))
def test_bytes_after_the_end_are_legal(kind: str) -> None:
    data = made.CLIP_WRITERS[kind](FRAMES, 20.0)
    assert len(decode(data + bytes(100))) == 8


def test_a_live_recording_of_unknown_length_is_whole() -> None:
    """A browser's recorder cannot know the size of its WebM when it writes the header."""
    data = made.webm(FRAMES)
    size = data.index(b"\x18\x53\x80\x67") + 4
    live = data[:size] + b"\x01" + b"\xff" * 7 + data[size + 8 :]
    assert len(decode(live)) == 8


@pytest.mark.parametrize(
    "data",
    [made.text(), made.png(FRAMES[0]), made.wav(), b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n"],
    ids=["text", "picture", "wav", "playlist"],
)
def test_other_kinds_are_unsupported(data: bytes) -> None:
    """A playlist, above all: FFmpeg would open the files that it names."""
    with pytest.raises(UnsupportedMediaError):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [b"", made.sound_only_mp4(), b"\0\0\0\x10ftypisom" + bytes(500), MP4[:40] + MP4[400:]],
    ids=["empty", "sound only", "no content", "a hole"],
)
def test_clips_without_pictures_are_undecodable(data: bytes) -> None:
    """The kind is accepted, but there is nothing to see in it."""
    with pytest.raises(UndecodableMediaError):
        decode(data)


@pytest.mark.parametrize("kind", made.CLIP_WRITERS)
def test_one_frame_is_too_few(kind: str) -> None:
    with pytest.raises(TooFewFramesError):
        decode(made.CLIP_WRITERS[kind](FRAMES[:1], 20.0))


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (MediaLimits(upload_bytes=len(MP4) - 1), "upload_bytes"),
        (MediaLimits(video_pixels=64 * 48 - 1), "video_pixels"),
        (MediaLimits(frames=7), "frames"),
        (MediaLimits(seconds=0.34), "seconds"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_limit_is_named_when_it_is_passed(limits: MediaLimits, name: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        decode(MP4, limits)
    assert caught.value.limit == name


def test_a_clip_at_every_limit_is_accepted() -> None:
    """A limit is the largest value allowed."""
    limits = MediaLimits(
        upload_bytes=len(MP4), video_pixels=64 * 48, frames=8, seconds=0.351, video_frames=2
    )
    assert len(decode(MP4, limits)) == 8


def test_a_long_video_has_limits_of_its_own() -> None:
    limits = MediaLimits(frames=2, seconds=0.1, video_frames=8, video_seconds=0.351)
    assert len(list(open_video(MP4, limits))) == 8
    for tight, name in (
        (MediaLimits(video_frames=7), "video_frames"),
        (MediaLimits(video_seconds=0.34), "video_seconds"),
    ):
        with pytest.raises(LimitExceededError) as caught:
            open_video(MP4, tight)
        assert caught.value.limit == name


def limit_passed(clip: bytes, limits: MediaLimits = LIMITS) -> str:
    """The limit that opening alone names: nothing may have been decoded."""
    with pytest.raises(LimitExceededError) as caught:
        open_clip(clip, limits)
    return caught.value.limit


def test_a_long_clip_is_refused_by_its_header() -> None:
    """An hour of video costs nothing when its container says that it is one."""
    assert limit_passed(film(FRAMES[:2], times_s=[0.0, 3600.0])) == "seconds"


def of_millions(data: bytes, *counts: int) -> bytes:
    """The file with its counts, at these places, set to ten million."""
    order = "<" if data.startswith(b"RIFF") else ">"
    changed = bytearray(data)
    for place in counts:
        struct.pack_into(f"{order}I", changed, place, 10_000_000)
    return bytes(changed)


def test_millions_of_frames_are_refused_by_their_header() -> None:
    """Whatever they would cost to list; FFmpeg takes 700 MB for those of the MP4."""
    avi = made.avi(FRAMES)
    avi = of_millions(avi, avi.index(b"avih") + 24, avi.index(b"strh") + 40)
    sizes, chunks, steps = (MP4.index(box) for box in (b"stsz", b"stsc", b"stts"))
    mp4 = of_millions(MP4, sizes + 8, sizes + 12, chunks + 16, steps + 12)
    for data in (avi, mp4):
        assert limit_passed(data, MediaLimits(seconds=1e12)) == "frames"


@pytest.mark.parametrize("kind", made.CLIP_WRITERS)
def test_large_frames_are_refused_by_their_header(kind: str) -> None:
    data = made.CLIP_WRITERS[kind](FRAMES, 20.0)
    assert limit_passed(data, MediaLimits(video_pixels=64 * 48 - 1)) == "video_pixels"


@pytest.mark.parametrize("kind", made.CLIP_WRITERS)
def test_much_larger_frames_are_refused_by_their_header(kind: str) -> None:
    """Those that the decoder itself refuses, too, and then says nothing of."""
    data = made.CLIP_WRITERS[kind](made.frames(2, 400, 400), 20.0)
    assert limit_passed(data, MediaLimits(video_pixels=64 * 48)) == "video_pixels"


def test_a_stream_that_grows_past_its_header_is_not_decoded() -> None:
    """A container can claim a small size for a stream of large frames."""
    data = made.mp4([np.zeros((480, 640, 3), np.uint8)] * 3)
    small = data.replace(struct.pack(">HH", 640, 480), struct.pack(">HH", 64, 48))
    assert small != data
    with pytest.raises((UndecodableMediaError, LimitExceededError)):
        decode(small, MediaLimits(video_pixels=64 * 48))


def test_a_header_that_lies_does_not_get_past_the_limits() -> None:
    """The frame that breaks the limit is not given out."""
    data = made.webm(made.frames(12), 25.0)
    duration = data.index(b"\x44\x89\x88") + 3
    data = data[:duration] + struct.pack(">d", 80.0) + data[duration + 8 :]
    clip = open_clip(data, MediaLimits(frames=5))
    assert clip.claimed_frames == 2
    given: list[Frame] = []
    with pytest.raises(LimitExceededError) as caught:
        given.extend(clip)
    assert caught.value.limit == "frames"


# --- damage -----------------------------------------------------------------------------------

LONG = [made.picture(96, 128, index) for index in range(40)]
DAMAGED = {
    "H.264": film(LONG, options={"g": "10"}),
    "AV1": film(LONG, "matroska", "libsvtav1", options={"g": "10"}),
    "MJPEG": film(LONG, "avi", "mjpeg", samples="yuvj420p"),
}


def hurt(data: bytes) -> bytes:
    """The same file with some bytes of its middle half changed, here and there."""
    random, changed = np.random.default_rng(0), bytearray(data)
    for place in random.integers(len(data) // 4, 3 * len(data) // 4, 20):
        changed[place] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_middle_is_left_out_and_told(name: str) -> None:
    """What decodes is used; a frame that the decoder made up would look like motion."""
    clip = open_clip(hurt(DAMAGED[name]), LIMITS)
    frames = list(clip)
    assert clip.damaged
    assert 2 <= len(frames) < len(LONG)
    assert (np.diff(times(frames)) > 0).all()


def opened(data: bytes) -> ClipStream:
    clip = open_clip(data, LIMITS)
    assert not clip.damaged
    return clip


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9", "libx264"])
def test_frames_that_the_container_lost_are_told(codec: str) -> None:
    """FFmpeg goes on with the next cluster, and these decoders do not miss what was before it."""
    container = "matroska" if codec == "libx264" else "webm"
    data = bytearray(film(LONG, container, codec, options={"g": "10"}))
    block = data.index(b"\xa3", 2 * len(data) // 5)
    while data[block + 3 : block + 4] != b"\x81":  # the number of the track
        block = data.index(b"\xa3", block + 1)
    data[block : block + 3] = b"\x00\x01\x02"
    assert open_clip(bytes(data), LIMITS).damaged


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_frames_before_the_first_whole_one_are_left_out(codec: str) -> None:
    """A recording that begins between two key frames has nothing to build its frames on."""
    clip = open_clip(without_key_frame(film(LONG, codec=codec, options=KEYS)), LIMITS)
    frames = list(clip)
    assert clip.damaged
    assert len(frames) == 20
    assert frames[0].time_s == 0


@pytest.mark.parametrize(("codec", "box"), [("libx265", b"hvcC"), ("libx264", b"avcC")])
@pytest.mark.parametrize("place", [4, 12, 24, 30])
def test_a_clip_whose_codecs_description_is_broken_is_undecodable(
    codec: str, box: bytes, place: int
) -> None:
    """PyAV 19 crashes when a decoder that could not be opened is asked for its name."""
    data = film(FRAMES, "mov", codec)
    start = data.index(box) + place
    with contextlib.suppress(UndecodableMediaError):
        assert len(list(open_clip(data[:start] + b"\xff" * 8 + data[start + 8 :], LIMITS))) <= 8


def test_a_clip_without_any_key_frame_is_undecodable() -> None:
    with pytest.raises(UndecodableMediaError):
        list(open_clip(without_key_frame(film(LONG[:10], options=KEYS)), LIMITS))


def test_a_size_that_changes_is_given_as_it_is() -> None:
    """Browsers' recorders change it with the bandwidth; the face is then found anew."""
    small = [np.ascontiguousarray(pixels[:32, :48]) for pixels in FRAMES]
    first, second = (film(each, "webm", "libvpx") for each in (FRAMES, small))
    clip = opened(spliced(first, second))
    assert [frame.pixels.shape[:2] for frame in clip] == [(48, 64)] * 8 + [(32, 48)] * 8
