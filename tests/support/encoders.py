"""Clips by real encoders, in memory, by PyAV: codecs, time stamps, sound, damage."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from off_tanet.types import Pixels

TICK = Fraction(1, 1000)  # the finest time step of Matroska

SOUND = {"mp4": "aac", "mov": "aac", "matroska": "libopus", "webm": "libopus", "avi": "mp2"}
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "libx264": {"x264-params": "log-level=none"},
    "libx264rgb": {"x264-params": "log-level=none"},
    "libx265": {"x265-params": "log-level=none", "preset": "ultrafast"},
    # Without this the encoder takes minutes for difficult content on a busy machine.
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


def film(
    pictures: Sequence[Pixels],
    container: str = "mp4",
    codec: str = "libx264",
    *,
    samples: str = "yuv420p",
    fps: int = 25,
    times_s: Sequence[float] | None = None,
    sound: bool = False,
    options: Mapping[str, str] | None = None,
    muxer: Mapping[str, str] | None = None,
    display: tuple[int, bool, bool] | None = None,
) -> bytes:
    """`pictures` [H, W, 3] as a file; `times_s`, in whole milliseconds, make the rate variable.

    `container` and `codec` are FFmpeg's names, `samples` is its name of a pixel format; `options`
    are the encoder's, `muxer` the container's. `display` asks players to turn the frames by this
    many degrees, counter-clockwise, and to mirror them across and down.
    """
    stream = io.BytesIO()
    opened = av.open(stream, "w", format=container, options=dict(muxer or {}))
    with _ordinary_priority(), opened as file:
        video = file.add_stream(
            codec, rate=fps, options={**OPTIONS.get(codec, {}), **(options or {})}
        )
        assert isinstance(video, VideoStream)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = samples
        if samples == "gray":
            video.codec_context.color_range = 2  # as FFmpeg converts to it: the full range
        if display:
            video.set_display_rotation(*display)
        step = Fraction(1, fps) if times_s is None else TICK
        video.codec_context.time_base = step
        audio = file.add_stream(SOUND[container], rate=48_000) if sound else None
        for index, pixels in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(pixels, "bgr24")
            frame = frame.reformat(format=samples)
            frame.time_base = step
            frame.pts = index if times_s is None else round(times_s[index] / TICK)
            file.mux(video.encode(frame))
        file.mux(video.encode())
        if isinstance(audio, AudioStream):
            _silence(file, audio, len(pictures) / fps)
    return stream.getvalue()


@contextmanager
def _ordinary_priority() -> Iterator[None]:
    """Restore the scheduling of the process: SVT-AV1 makes one of root's a real-time one.

    All that such a process starts is real-time, too, and brings a machine of two cores to a stop.
    """
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


def _silence(file: OutputContainer, audio: AudioStream, seconds: float) -> None:
    for start in range(0, int(48_000 * seconds), 960):
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 960), np.float32), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        file.mux(audio.encode(frame))
    file.mux(audio.encode())


def spliced(*parts: bytes, container: str = "webm") -> bytes:
    """The frames of several files joined, in one whose header describes the first."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as file:
        video, start = None, 0
        for part in parts:
            with av.open(io.BytesIO(part), "r") as source:
                original = source.streams.video[0]
                video = video or file.add_stream_from_template(original)
                length = 0
                for packet in source.demux(original):
                    if packet.dts is None or packet.pts is None:
                        continue  # the end of the stream
                    length = packet.pts + (packet.duration or 0)
                    packet.stream, packet.pts, packet.dts = (
                        video,
                        packet.pts + start,
                        packet.dts + start,
                    )
                    file.mux(packet)
                start += length
    return stream.getvalue()


def of_jpegs(
    pictures: Sequence[bytes], container: str, size: tuple[int, int] = (128, 96), fps: int = 100
) -> bytes:
    """A file with these packets unchanged, as a camera writes them.

    `size` is a frame's width and height: FFmpeg takes one of half the height for a field.
    """
    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as file:
        video = file.add_stream("mjpeg", rate=fps)
        assert isinstance(video, VideoStream)
        (video.width, video.height), video.pix_fmt = size, "yuvj420p"
        video.time_base = Fraction(1, fps)
        for index, content in enumerate(pictures):
            packet = av.Packet(content)
            packet.stream, packet.time_base = video, Fraction(1, fps)
            packet.pts = packet.dts = index
            packet.duration, packet.is_keyframe = 1, True
            file.mux(packet)
    return stream.getvalue()


KEYS = {"g": "20", "keyint_min": "20", "bf": "0", "sc_threshold": "0"}
"""A key frame every 20 frames, and no frame that refers to a later one."""


def without_key_frame(data: bytes) -> bytes:
    """The file without the packet of its first key frame."""
    stream = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as source, av.open(stream, "w", format="matroska") as file:
        original = source.streams.video[0]
        video = file.add_stream_from_template(original)
        packets = [packet for packet in source.demux(original) if packet.size]
        for packet in packets[1:]:
            packet.stream = video
            file.mux(packet)
    return stream.getvalue()
