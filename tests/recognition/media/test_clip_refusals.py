"""Clips over a limit are refused before they cost anything; damage is refused or reported."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from off_tanet.errors import (
    LimitExceededError,
    TooFewFramesError,
    UndecodableMediaError,
    UnsupportedMediaError,
)
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.video import ClipStream, open_clip, open_video
from off_tanet.types import Frame

from tests.recognition.media.test_video import FRAMES, LIMITS, MP4, decode, times
from tests.support import factories
from tests.support.encoders import KEYS, film, spliced, without_key_frame


@pytest.mark.parametrize("kind", factories.CLIP_WRITERS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_clip_is_refused(kind: str, kept: float) -> None:
    """FFmpeg plays the available part, and the apex may be in the missing one."""
    data = factories.CLIP_WRITERS[kind](FRAMES, 20.0)
    with pytest.raises(UndecodableMediaError):
        decode(factories.truncated(data, kept))


@pytest.mark.parametrize("kind", sorted(set(factories.CLIP_WRITERS) - {"mkv", "webm"}))
def test_bytes_after_the_end_are_valid(kind: str) -> None:
    data = factories.CLIP_WRITERS[kind](FRAMES, 20.0)
    assert len(decode(data + bytes(100))) == 8


def test_a_live_recording_of_unknown_length_is_complete() -> None:
    """A browser's recorder does not know the size of its WebM when it writes the header."""
    data = factories.webm(FRAMES)
    size = data.index(b"\x18\x53\x80\x67") + 4
    live = data[:size] + b"\x01" + b"\xff" * 7 + data[size + 8 :]
    assert len(decode(live)) == 8


@pytest.mark.parametrize(
    "data",
    [
        factories.text(),
        factories.png(FRAMES[0]),
        factories.wav(),
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
    ],
    ids=["text", "picture", "wav", "playlist"],
)
def test_other_kinds_are_unsupported(data: bytes) -> None:
    """Above all a playlist, whose files FFmpeg would open."""
    with pytest.raises(UnsupportedMediaError):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [b"", factories.sound_only_mp4(), b"\0\0\0\x10ftypisom" + bytes(500), MP4[:40] + MP4[400:]],
    ids=["empty", "sound only", "no content", "a hole"],
)
def test_clips_without_video_are_undecodable(data: bytes) -> None:
    """The container is accepted, but there is no video in it."""
    with pytest.raises(UndecodableMediaError):
        decode(data)


@pytest.mark.parametrize("kind", factories.CLIP_WRITERS)
def test_one_frame_is_too_few(kind: str) -> None:
    with pytest.raises(TooFewFramesError):
        decode(factories.CLIP_WRITERS[kind](FRAMES[:1], 20.0))


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
def test_each_exceeded_limit_is_named(limits: MediaLimits, name: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        decode(MP4, limits)
    assert caught.value.limit == name


def test_a_clip_at_every_limit_is_accepted() -> None:
    """A limit is the largest allowed value."""
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
    """The limit that is named on opening, before anything is decoded."""
    with pytest.raises(LimitExceededError) as caught:
        open_clip(clip, limits)
    return caught.value.limit


def test_a_long_clip_is_refused_by_its_header() -> None:
    """An hour of video costs nothing if its container declares the duration."""
    assert limit_passed(film(FRAMES[:2], times_s=[0.0, 3600.0])) == "seconds"


def of_millions(data: bytes, *counts: int) -> bytes:
    """The file with its counts, at these offsets, set to ten million."""
    order = "<" if data.startswith(b"RIFF") else ">"
    changed = bytearray(data)
    for place in counts:
        struct.pack_into(f"{order}I", changed, place, 10_000_000)
    return bytes(changed)


def test_millions_of_frames_are_refused_by_their_header() -> None:
    """Listing them may be costly: FFmpeg takes 700 MB for those of the MP4."""
    avi = factories.avi(FRAMES)
    avi = of_millions(avi, avi.index(b"avih") + 24, avi.index(b"strh") + 40)
    sizes, chunks, steps = (MP4.index(box) for box in (b"stsz", b"stsc", b"stts"))
    mp4 = of_millions(MP4, sizes + 8, sizes + 12, chunks + 16, steps + 12)
    for data in (avi, mp4):
        assert limit_passed(data, MediaLimits(seconds=1e12)) == "frames"


@pytest.mark.parametrize("kind", factories.CLIP_WRITERS)
def test_large_frames_are_refused_by_their_header(kind: str) -> None:
    data = factories.CLIP_WRITERS[kind](FRAMES, 20.0)
    assert limit_passed(data, MediaLimits(video_pixels=64 * 48 - 1)) == "video_pixels"


@pytest.mark.parametrize("kind", factories.CLIP_WRITERS)
def test_much_larger_frames_are_refused_by_their_header(kind: str) -> None:
    """Also those that the decoder itself refuses without a message."""
    data = factories.CLIP_WRITERS[kind](factories.frames(2, 400, 400), 20.0)
    assert limit_passed(data, MediaLimits(video_pixels=64 * 48)) == "video_pixels"


def test_a_stream_that_outgrows_its_header_is_not_decoded() -> None:
    """A container can declare a small size for a stream of large frames."""
    data = factories.mp4([np.zeros((480, 640, 3), np.uint8)] * 3)
    small = data.replace(struct.pack(">HH", 640, 480), struct.pack(">HH", 64, 48))
    assert small != data
    with pytest.raises((UndecodableMediaError, LimitExceededError)):
        decode(small, MediaLimits(video_pixels=64 * 48))


def test_a_recording_with_two_frames_at_once_is_not_refused() -> None:
    """A busy browser writes frames a millisecond apart, and FFmpeg takes this for 1000 a second."""
    times_s = [0.0, 0.001, 0.002, 0.003, *(0.1 + 0.033 * step for step in range(85))]
    data = film([FRAMES[0]] * len(times_s), "webm", "libvpx", times_s=times_s)
    at = data.index(b"\x23\xe3\x83\x84")  # the frame rate, which browsers do not write
    data = data[:at] + b"\xec\x86" + bytes(6) + data[at + 8 :]
    assert len(decode(data, MediaLimits(frames=100))) == len(times_s)


def test_a_wrong_header_does_not_bypass_the_limits() -> None:
    """The frame that exceeds the limit is not returned."""
    data = factories.webm(factories.frames(12), 25.0)
    duration = data.index(b"\x44\x89\x88") + 3
    data = data[:duration] + struct.pack(">d", 80.0) + data[duration + 8 :]
    clip = open_clip(data, MediaLimits(frames=5))
    assert clip.claimed_frames == 2
    given: list[Frame] = []
    with pytest.raises(LimitExceededError) as caught:
        given.extend(clip)
    assert caught.value.limit == "frames"


# --- damage -----------------------------------------------------------------------------------

LONG = [factories.picture(96, 128, index) for index in range(40)]
DAMAGED = {
    "H.264": film(LONG, options={"g": "10"}),
    "AV1": film(LONG, "matroska", "libsvtav1", options={"g": "10"}),
    "MJPEG": film(LONG, "avi", "mjpeg", samples="yuvj420p"),
}


def hurt(data: bytes) -> bytes:
    """The same file with some bytes of its middle half changed."""
    random, changed = np.random.default_rng(0), bytearray(data)
    for place in random.integers(len(data) // 4, 3 * len(data) // 4, 20):
        changed[place] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_middle_is_left_out_and_reported(name: str) -> None:
    """Valid frames are used; frames that the decoder makes up would look like motion."""
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
def test_frames_that_the_container_lost_are_reported(codec: str) -> None:
    """FFmpeg continues with the next cluster, and these decoders do not notice the gap."""
    container = "matroska" if codec == "libx264" else "webm"
    data = bytearray(film(LONG, container, codec, options={"g": "10"}))
    block = data.index(b"\xa3", 2 * len(data) // 5)
    while data[block + 3 : block + 4] != b"\x81":  # the number of the track
        block = data.index(b"\xa3", block + 1)
    data[block : block + 3] = b"\x00\x01\x02"
    assert open_clip(bytes(data), LIMITS).damaged


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_frames_before_the_first_key_frame_are_left_out(codec: str) -> None:
    """A recording that begins between two key frames has no reference for its first frames."""
    clip = open_clip(without_key_frame(film(LONG, codec=codec, options=KEYS)), LIMITS)
    frames = list(clip)
    assert clip.damaged
    assert len(frames) == 20
    assert frames[0].time_s == 0


@pytest.mark.parametrize(("codec", "box"), [("libx265", b"hvcC"), ("libx264", b"avcC")])
@pytest.mark.parametrize("place", [4, 12, 24, 30])
def test_a_clip_with_a_broken_codec_description_is_undecodable(
    codec: str, box: bytes, place: int
) -> None:
    """PyAV 19 crashes if the name of a decoder is read that could not be opened."""
    data = film(FRAMES, "mov", codec)
    start = data.index(box) + place
    with contextlib.suppress(UndecodableMediaError):
        assert len(list(open_clip(data[:start] + b"\xff" * 8 + data[start + 8 :], LIMITS))) <= 8


def test_a_clip_without_any_key_frame_is_undecodable() -> None:
    with pytest.raises(UndecodableMediaError):
        list(open_clip(without_key_frame(film(LONG[:10], options=KEYS)), LIMITS))


def test_a_changing_size_is_returned_as_it_is() -> None:
    """Browser recorders change it with the bandwidth; the face is then detected again."""
    small = [np.ascontiguousarray(pixels[:32, :48]) for pixels in FRAMES]
    first, second = (film(each, "webm", "libvpx") for each in (FRAMES, small))
    clip = opened(spliced(first, second))
    assert [frame.pixels.shape[:2] for frame in clip] == [(48, 64)] * 8 + [(32, 48)] * 8
