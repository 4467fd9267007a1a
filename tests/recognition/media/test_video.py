"""Clips: every container and codec gives its frames at their own times, and no limit is passed."""

from __future__ import annotations

import contextlib
import struct
import weakref

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
from off_tanet.types import Frame, Pixels

from tests.support import factories
from tests.support.encoders import KEYS, film, spliced, without_key_frame
from tests.support.shared import shared

LIMITS = MediaLimits()
FRAMES = factories.frames(8)
MP4 = factories.mp4(FRAMES, 20.0)


def decode(data: bytes, limits: MediaLimits = LIMITS) -> list[Frame]:
    """All frames of a clip that has no damage."""
    clip = open_clip(data, limits)
    frames = list(clip)
    assert not clip.damaged
    return frames


def times(frames: list[Frame]) -> list[float]:
    return [frame.time_s for frame in frames]


def check_alike(frames: list[Frame], originals: list[Pixels], levels: float = 4) -> None:
    """A frame can be told by its brightness."""
    assert [frame.index for frame in frames] == list(range(len(originals)))
    for frame, original in zip(frames, originals, strict=True):
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape == original.shape
        assert frame.pixels.mean() == pytest.approx(original.mean(), abs=levels)


@pytest.mark.parametrize("kind", factories.CLIP_WRITERS)
def test_every_container_gives_its_frames_and_times(kind: str) -> None:
    """Order, number, index, time and content."""
    clip = open_clip(factories.CLIP_WRITERS[kind](FRAMES, 20.0), LIMITS)
    assert clip.fps == pytest.approx(20)
    assert clip.claimed_frames == 8
    frames = list(clip)
    assert times(frames) == pytest.approx(np.arange(8) / 20)
    check_alike(frames, FRAMES)


CODECS = {
    "H.264": ("mp4", "libx264", "yuv420p"),
    "H.264, 10 bits": ("mp4", "libx264", "yuv420p10le"),
    "H.264, grey": ("mov", "libx264", "gray"),
    "H.264, all colour": ("matroska", "libx264", "yuv444p"),
    "H.264, full range": ("mp4", "libx264", "yuvj420p"),
    "HEVC": ("mp4", "libx265", "yuv420p"),
    "HEVC, 10 bits": ("mov", "libx265", "yuv420p10le"),
    "VP8": ("webm", "libvpx", "yuv420p"),
    "VP9": ("webm", "libvpx-vp9", "yuv420p"),
    "AV1": ("webm", "libsvtav1", "yuv420p"),
    "AV1, 10 bits": ("mp4", "libsvtav1", "yuv420p10le"),
    "MJPEG": ("avi", "mjpeg", "yuvj420p"),
    "MPEG-4": ("mp4", "mpeg4", "yuv420p"),
    "MPEG-4 in AVI": ("avi", "mpeg4", "yuv420p"),
    "MJPEG in MOV": ("mov", "mjpeg", "yuvj420p"),
}


@pytest.mark.parametrize("name", CODECS)
def test_every_codec_gives_its_frames(name: str) -> None:
    """What telephones, browsers, high-speed cameras and editors write."""
    container, codec, samples = CODECS[name]
    pictures = [np.dstack([factories.grey(pixels)] * 3) for pixels in FRAMES]
    frames = decode(film(pictures, container, codec, samples=samples, fps=20))
    assert times(frames) == pytest.approx(np.arange(8) / 20)
    check_alike(frames, pictures)


@pytest.mark.parametrize("matrix", ["1", "6", "9", "10", "14"])
@pytest.mark.parametrize("curve", ["1", "16", "18"])
def test_every_colour_space_is_read(matrix: str, curve: str) -> None:
    """Telephones film in several; FFmpeg refuses to convert from some."""
    frames = decode(film(FRAMES, options={"colorspace": matrix, "color_trc": curve}))
    check_alike(frames, FRAMES, levels=12)


def test_lossless_frames_come_back_as_they_were() -> None:
    """Nothing between container and picture may resample or reorder."""
    for frame, original in zip(decode(factories.mkv(FRAMES)), FRAMES, strict=True):
        assert np.abs(frame.pixels.astype(int) - original).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(47, 63), (48, 63), (17, 33)])
@pytest.mark.parametrize("codec", ["libx264rgb", "libvpx", "libx264"])
def test_odd_sizes_keep_every_pixel(codec: str, height: int, width: int) -> None:
    """Rows of frames are padded in memory; a column too many or a slant would move the face."""
    pictures = [np.ascontiguousarray(pixels[:height, :width]) for pixels in FRAMES]
    samples = {"libx264rgb": "rgb24", "libvpx": "yuv420p", "libx264": "yuv444p"}[codec]
    frames = decode(film(pictures, "matroska", codec, samples=samples, options={"qp": "0"}))
    check_alike(frames, pictures)
    if codec == "libx264rgb":
        assert np.array_equal(frames[3].pixels, pictures[3])


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "libx264"), ("mov", "libx265"), ("matroska", "libx264"), ("webm", "libvpx-vp9")],
)
def test_a_variable_rate_keeps_its_times(container: str, codec: str) -> None:
    """Counting frames at a nominal rate would move the apex in time."""
    given = [0.0, 0.04, 0.05, 0.2, 0.21, 0.3, 0.9, 1.0]
    assert times(decode(film(FRAMES, container, codec, times_s=given))) == pytest.approx(given)


def test_a_gifs_frames_keep_their_times() -> None:
    clip = decode(factories.timed_gif(factories.frames(4), [0.1, 0.05, 0.2, 0.1]))
    assert times(clip) == pytest.approx([0, 0.1, 0.15, 0.35])


@pytest.mark.parametrize(
    ("container", "name"), [("mp4", b"VideoHandler"), ("matroska", b"ENCODER"), ("avi", b"ISFT")]
)
def test_a_title_in_any_encoding_is_passed_over(container: str, name: bytes) -> None:
    """Recorders write them in their country's own; no frame depends on them."""
    codec, samples = ("mjpeg", "yuvj420p") if container == "avi" else ("libx264", "yuv420p")
    data = film(FRAMES, container, codec, samples=samples)
    place = data.index(name) + {"avi": 8}.get(container, 0)
    assert len(decode(data[:place] + b"\xe9\xff\xfe\xc3" + data[place + 4 :])) == 8


def test_time_begins_with_the_first_picture() -> None:
    """A recording that was cut out of a longer one keeps that one's clock."""
    given = [5.0, 5.04, 5.1, 5.2]
    late = decode(film(FRAMES[:4], "matroska", times_s=given))
    assert times(late) == pytest.approx([0, 0.04, 0.1, 0.2])


def test_frames_without_a_duration_follow_at_the_nominal_rate() -> None:
    """Time has to advance, or a curve over it is drawn on one spot."""
    data = film(FRAMES, options={"bf": "0"})
    place = data.index(b"stts") + 12
    assert struct.unpack_from(">I", data, place)[0] == 8
    still = data[: place + 4] + bytes(4) + data[place + 8 :]
    assert (np.diff(times(decode(still))) > 0).all()


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "webm", "avi"])
def test_sound_is_passed_over(container: str) -> None:
    codec = {"webm": "libvpx", "avi": "mjpeg"}.get(container, "libx264")
    samples = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    frames = decode(film(FRAMES, container, codec, samples=samples, fps=20, sound=True))
    assert times(frames) == pytest.approx(np.arange(8) / 20)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_clip_comes_upright(degrees: int) -> None:
    """Telephones store portraits on their side and say so in the container."""
    plain = decode(MP4)[0].pixels
    turned = decode(factories.turned_mp4(FRAMES, 20.0, degrees))[0].pixels
    assert np.array_equal(turned, np.rot90(plain, -degrees // 90))


def test_a_recorded_portrait_is_read_to_its_end() -> None:
    """A clip from a real encoder: H.264 with reordered frames and a sound track."""
    frames = decode(shared("clips/portrait_pexels.mp4").read_bytes())
    assert len(frames) == 472
    assert np.diff(times(frames)) == pytest.approx(1001 / 24000, abs=1e-6)


def test_no_frame_is_kept() -> None:
    """Ten minutes of video pass through the memory of a few frames."""
    kept = []
    for frame in open_clip(MP4, LIMITS):
        pixels = frame.pixels
        kept.append(weakref.ref(pixels))
        del frame, pixels
        assert sum(ref() is not None for ref in kept) == 0
    assert len(kept) == 8


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", factories.CLIP_WRITERS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_clip_that_was_cut_short_is_refused(kind: str, kept: float) -> None:
    """FFmpeg plays what is there, and the apex may be in what is not."""
    data = factories.CLIP_WRITERS[kind](FRAMES, 20.0)
    with pytest.raises(UndecodableMediaError):
        decode(factories.truncated(data, kept))


@pytest.mark.parametrize("kind", sorted(set(factories.CLIP_WRITERS) - {"mkv", "webm"}))
def test_bytes_after_the_end_are_legal(kind: str) -> None:
    data = factories.CLIP_WRITERS[kind](FRAMES, 20.0)
    assert len(decode(data + bytes(100))) == 8


def test_a_live_recording_of_unknown_length_is_whole() -> None:
    """A browser's recorder cannot know the size of its WebM when it writes the header."""
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
    """A playlist, above all: FFmpeg would open the files that it names."""
    with pytest.raises(UnsupportedMediaError):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [b"", factories.sound_only_mp4(), b"\0\0\0\x10ftypisom" + bytes(500), MP4[:40] + MP4[400:]],
    ids=["empty", "sound only", "no content", "a hole"],
)
def test_clips_without_pictures_are_undecodable(data: bytes) -> None:
    """The kind is accepted, but there is nothing to see in it."""
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
    """Those that the decoder itself refuses, too, and then says nothing of."""
    data = factories.CLIP_WRITERS[kind](factories.frames(2, 400, 400), 20.0)
    assert limit_passed(data, MediaLimits(video_pixels=64 * 48)) == "video_pixels"


def test_a_stream_that_grows_past_its_header_is_not_decoded() -> None:
    """A container can claim a small size for a stream of large frames."""
    data = factories.mp4([np.zeros((480, 640, 3), np.uint8)] * 3)
    small = data.replace(struct.pack(">HH", 640, 480), struct.pack(">HH", 64, 48))
    assert small != data
    with pytest.raises((UndecodableMediaError, LimitExceededError)):
        decode(small, MediaLimits(video_pixels=64 * 48))


def test_a_header_that_lies_does_not_get_past_the_limits() -> None:
    """The frame that breaks the limit is not given out."""
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
