"""Clips: every container gives its frames at their own times, and no limit is passed."""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from service.recognition import media
from service.recognition.errors import (
    LimitExceededError,
    TooFewFramesError,
    UndecodableMediaError,
    UnsupportedMediaError,
)
from service.recognition.media import MediaLimits, decode_clip, read_clip
from service.recognition.types import Clip, Pixels
from tests import made
from tests.shared import shared

LIMITS = MediaLimits()
FRAMES = made.frames(8)
MP4 = made.mp4(FRAMES, 20.0)


def times(clip: Clip) -> list[float]:
    return [frame.time_s for frame in clip.frames]


@pytest.mark.parametrize("kind", made.CLIP_WRITERS)
def test_every_container_gives_its_frames_and_times(kind: str) -> None:
    """Order, number, index, time and content: a frame can be told by its brightness."""
    clip = decode_clip(made.CLIP_WRITERS[kind](FRAMES, 20.0), LIMITS)
    assert clip.fps == pytest.approx(20)
    assert [frame.index for frame in clip.frames] == list(range(8))
    assert times(clip) == pytest.approx(np.arange(8) / 20)
    for frame, original in zip(clip.frames, FRAMES, strict=True):
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape == original.shape
        assert frame.pixels.mean() == pytest.approx(original.mean(), abs=4)


def test_lossless_frames_come_back_as_they_were() -> None:
    """Nothing between container and picture may resample or reorder."""
    clip = decode_clip(made.mkv(FRAMES), LIMITS)
    for frame, original in zip(clip.frames, FRAMES, strict=True):
        assert np.abs(frame.pixels.astype(int) - original).max() <= 1


def test_frames_that_last_differently_keep_their_times() -> None:
    """Counting frames at a nominal rate would move the apex in time."""
    clip = decode_clip(made.timed_gif(made.frames(4), [0.1, 0.05, 0.2, 0.1]), LIMITS)
    assert times(clip) == pytest.approx([0, 0.1, 0.15, 0.35])


def test_a_clip_comes_upright() -> None:
    """Telephones store portraits on their side and say so in the container."""
    clip = decode_clip(made.turned_mp4(FRAMES), LIMITS)
    assert {frame.pixels.shape for frame in clip.frames} == {(64, 48, 3)}


def test_a_recorded_portrait_is_read_to_its_end() -> None:
    """A clip from a real encoder: H.264 with reordered frames and a sound track."""
    clip = decode_clip(shared("clips/portrait_pexels.mp4").read_bytes(), LIMITS)
    assert len(clip.frames) == 472
    assert np.diff(times(clip)) == pytest.approx(1001 / 24000, abs=1e-6)


def test_progress_counts_every_frame() -> None:
    """A client's progress bar must reach its end."""
    told: list[tuple[str, int, int]] = []
    decode_clip(MP4, LIMITS, lambda *step: told.append(step))
    assert told == [("decode", done, 8) for done in range(1, 9)]


@pytest.mark.parametrize("kind", made.CLIP_WRITERS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_clip_that_was_cut_short_is_refused(kind: str, kept: float) -> None:
    """FFmpeg plays what is there, and the apex may be in what is not."""
    data = made.CLIP_WRITERS[kind](FRAMES, 20.0)
    with pytest.raises(UndecodableMediaError):
        decode_clip(made.truncated(data, kept), LIMITS)


@pytest.mark.parametrize("kind", set(made.CLIP_WRITERS) - {"mkv", "webm"})
def test_bytes_after_the_end_are_legal(kind: str) -> None:
    data = made.CLIP_WRITERS[kind](FRAMES, 20.0)
    assert len(decode_clip(data + bytes(100), LIMITS).frames) == 8


def test_a_live_recording_of_unknown_length_is_whole() -> None:
    """A browser's recorder cannot know the size of its WebM when it writes the header."""
    data = made.webm(FRAMES)
    size = data.index(b"\x18\x53\x80\x67") + 4
    live = data[:size] + b"\x01" + b"\xff" * 7 + data[size + 8 :]
    assert len(decode_clip(live, LIMITS).frames) == 8


@pytest.mark.parametrize(
    "data",
    [made.text(), made.png(FRAMES[0]), made.wav(), b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n"],
    ids=["text", "picture", "wav", "playlist"],
)
def test_other_kinds_are_unsupported(data: bytes) -> None:
    """A playlist, above all: FFmpeg would open the files that it names."""
    with pytest.raises(UnsupportedMediaError):
        decode_clip(data, LIMITS)


@pytest.mark.parametrize(
    "data",
    [b"", made.sound_only_mp4(), b"\0\0\0\x10ftypisom" + bytes(500), MP4[:40] + MP4[400:]],
    ids=["empty", "sound only", "no content", "a hole"],
)
def test_clips_without_pictures_are_undecodable(data: bytes) -> None:
    """The kind is accepted, but there is nothing to see in it."""
    with pytest.raises(UndecodableMediaError):
        decode_clip(data, LIMITS)


def test_a_container_that_sends_the_reader_before_its_start_is_survived() -> None:
    """OpenCV 5.0 ended the process when a stream's `seek` raised; this AVI makes it do so."""
    data = made.avi(made.frames(4, 32, 32))
    high_byte_of_a_length = 31
    sent_back = data[:high_byte_of_a_length] + b"\xcc" + data[high_byte_of_a_length + 1 :]
    assert len(decode_clip(sent_back, LIMITS).frames) == 4


@pytest.mark.parametrize("kind", made.CLIP_WRITERS)
def test_one_frame_is_too_few(kind: str) -> None:
    with pytest.raises(TooFewFramesError):
        decode_clip(made.CLIP_WRITERS[kind](FRAMES[:1], 20.0), LIMITS)


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (MediaLimits(upload_bytes=len(MP4) - 1), "upload_bytes"),
        (MediaLimits(video_pixels=64 * 48 - 1), "video_pixels"),
        (MediaLimits(frames=7), "frames"),
        (MediaLimits(seconds=0.34), "seconds"),
        (MediaLimits(clip_pixels=8 * 64 * 48 - 1), "clip_pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_limit_is_named_when_it_is_passed(limits: MediaLimits, name: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        decode_clip(MP4, limits)
    assert caught.value.limit == name


def test_a_clip_at_every_limit_is_accepted() -> None:
    """A limit is the largest value allowed."""
    limits = MediaLimits(
        upload_bytes=len(MP4),
        video_pixels=64 * 48,
        frames=8,
        seconds=0.351,
        clip_pixels=8 * 64 * 48,
    )
    assert len(decode_clip(MP4, limits).frames) == 8


class FakeCapture:
    """A capture whose container claims what it likes and whose stamps, in ms, are given."""

    def __init__(
        self,
        stamps: Iterator[float] | list[float],
        fps: float = 20.0,
        count: float = 0.0,
        sizes: list[tuple[int, int]] | None = None,
    ) -> None:
        self._stamps = iter(stamps)
        self._sizes = iter(sizes or [])
        self.grabbed = self.retrieved = 0
        self._properties = {
            cv2.CAP_PROP_FPS: fps,
            cv2.CAP_PROP_FRAME_COUNT: count,
            cv2.CAP_PROP_FRAME_WIDTH: 64.0,
            cv2.CAP_PROP_FRAME_HEIGHT: 48.0,
        }

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def grab(self) -> bool:
        stamp = next(self._stamps, None)
        self.grabbed += stamp is not None
        self._properties[cv2.CAP_PROP_POS_MSEC] = stamp or 0.0
        return stamp is not None

    def retrieve(self) -> tuple[bool, Pixels]:
        self.retrieved += 1
        return True, np.zeros((*next(self._sizes, (48, 64)), 3), np.uint8)

    def get(self, propId: int, /) -> float:  # noqa: N803
        return self._properties[propId]


@pytest.mark.parametrize("stamps", [[0.0] * 4, [-1.0] * 4, [math.nan] * 4])
def test_missing_stamps_fall_back_to_the_nominal_rate(stamps: list[float]) -> None:
    """Some streams have no time stamps; time still has to advance."""
    assert times(read_clip(FakeCapture(stamps), LIMITS)) == pytest.approx([0, 0.05, 0.1, 0.15])


def test_stamps_that_jump_back_do_not() -> None:
    """The motion curve is drawn over time, which must not run backwards."""
    clip = read_clip(FakeCapture([0, 50, 20, 200]), LIMITS)
    assert times(clip) == pytest.approx([0, 0.05, 0.1, 0.2])


@pytest.mark.parametrize("fps", [0.0, -1.0, math.nan, math.inf])
def test_a_senseless_rate_is_no_rate(fps: float) -> None:
    """`Clip.fps` is a rate or None, and never a number that a division trips over."""
    clip = read_clip(FakeCapture([0, 40], fps=fps), LIMITS)
    assert clip.fps is None
    assert times(clip) == pytest.approx([0, 0.04])


def test_a_long_clip_is_refused_by_its_header() -> None:
    """An hour of video costs nothing when its container says that it is one."""
    capture = FakeCapture([0.0], fps=20, count=20 * 3600)
    with pytest.raises(LimitExceededError) as caught:
        read_clip(capture, LIMITS)
    assert caught.value.limit == "seconds"
    assert capture.grabbed == 0


def test_a_header_that_lies_does_not_get_past_the_limits() -> None:
    """A stream without end stops at the limit; the frame that breaks it is not decoded."""
    capture = FakeCapture((float(stamp) for stamp in range(10**9)), count=2)
    with pytest.raises(LimitExceededError) as caught:
        read_clip(capture, MediaLimits(frames=5))
    assert caught.value.limit == "frames"
    assert capture.retrieved == 5


def test_large_frames_are_refused_before_one_is_decoded() -> None:
    capture = FakeCapture([0.0, 50.0])
    with pytest.raises(LimitExceededError) as caught:
        read_clip(capture, MediaLimits(video_pixels=64 * 48 - 1))
    assert caught.value.limit == "video_pixels"
    assert capture.grabbed == 0


def test_frames_must_keep_their_size() -> None:
    """A face found on the onset is cropped at the same place from every frame."""
    with pytest.raises(UndecodableMediaError, match="size"):
        read_clip(FakeCapture([0, 50], sizes=[(48, 64), (24, 32)]), LIMITS)


def test_an_error_of_the_decoder_is_the_uploads_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """What OpenCV raises for strange bytes must not become an internal error."""

    class Broken(FakeCapture):
        def grab(self) -> bool:
            raise cv2.error("an assertion inside of OpenCV")

    monkeypatch.setattr(media, "_open", lambda _: Broken([]))
    with pytest.raises(UndecodableMediaError):
        decode_clip(MP4, LIMITS)
