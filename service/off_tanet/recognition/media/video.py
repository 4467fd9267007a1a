"""Bytes to the frames of a clip or a long video: one by one, in memory, within limits.

FFmpeg decodes, by way of PyAV. OpenCV's own reader has no AV1, passes over frames that are damaged
without a word, and asks for the memory of a frame before it can be told that it is too large.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from off_tanet.errors import (
    ClipTooLongError,
    LimitExceededError,
    TooFewFramesError,
    UndecodableMediaError,
    UnsupportedMediaError,
)
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import (
    avi,
    containers,
    display,
    entropy,
    matroska,
    mp4,
    raster,
    unread_video,
)
from off_tanet.recognition.media.containers import Kind
from off_tanet.recognition.media.decoding import BROKEN, Decoder
from off_tanet.recognition.media.entropy import Outcome
from off_tanet.recognition.media.images import accepted, check_size
from off_tanet.recognition.media.masking import MaskedFile, TooManyFramesError, View
from off_tanet.recognition.media.timing import Clock
from off_tanet.types import Frame, Pixels

# The kind is known from the first bytes, so FFmpeg need not guess, and cannot be led to the formats
# that open other files.
_DEMUXERS = {Kind.MP4: "mp4", Kind.AVI: "avi", Kind.MKV: "matroska", Kind.GIF: "gif"}

# FFmpeg's names of the decoders that may be opened, of the 300 that it has; AV1 has two.
_DECODERS = ("h264", "hevc", "mpeg4", "mjpeg", "vp8", "vp9", "libdav1d", "av1")
_CODECS = "H.264, HEVC, MPEG-4, MJPEG, VP8, VP9 and AV1"
_MOST_STREAMS = 100  # sound and subtitles count, too, where they are not masked

# Titles and comments come in any encoding. PyAV 19 takes them all; PyAV 18 has to be told to.
_LENIENT: Mapping[str, Any] = (
    {"metadata_errors": "replace"} if hasattr(InputContainer, "metadata_errors") else {}
)

_UNSPECIFIED = 2  # as H.273 numbers colours
_MATRICES = {0, 1, 4, 5, 6, 7, 9}  # those that FFmpeg converts from


@dataclass(frozen=True, slots=True)
class _Length:
    """How long a clip may be; `prefix` leads from `frames` and `seconds` to the limits' names."""

    frames: int
    seconds: float
    prefix: str = ""
    error: type[LimitExceededError] = ClipTooLongError

    def too_long(self) -> LimitExceededError:
        detail = f"The clip is longer than {self.seconds:g} s."
        return self.error(detail, f"{self.prefix}seconds")

    def too_many(self) -> LimitExceededError:
        detail = f"The clip has more than {self.frames} frames."
        return self.error(detail, f"{self.prefix}frames")


def open_clip(data: bytes, limits: MediaLimits) -> ClipStream:
    """The frames of an MP4, MOV, AVI, WebM, MKV or GIF clip, with their own timestamps.

    Raises UnsupportedMediaError for other kinds of bytes, LimitExceededError where the header
    claims more than `limits` allow, and UndecodableMediaError for empty, truncated or broken files
    and for those without a video stream.
    """
    return _open(data, limits, _Length(limits.frames, limits.seconds))


def open_video(data: bytes, limits: MediaLimits) -> ClipStream:
    """The same for long videos, which have limits of their own."""
    length = _Length(limits.video_frames, limits.video_seconds, "video_", LimitExceededError)
    return _open(data, replace(limits, upload_bytes=limits.video_bytes), length)


class ClipStream:
    """The frames of a clip, once, in the order of their time. None is kept.

    `fps` is the nominal rate, `claimed_frames` the number that the header claims or that follows
    from its duration, each None where the container does not tell.

    Iterating raises LimitExceededError before the frame that passes a limit is converted, and at
    its end UndecodableMediaError where no frame, and TooFewFramesError where just one came out.
    Frames whose size changes midway, as in browsers' recordings, come in their own size.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        length: _Length,
        pixels: int,
        view: View,
    ) -> None:
        self.fps = _positive(stream.average_rate) or _positive(stream.guessed_rate)
        self.claimed_frames = _claimed_frames(container, stream, self.fps)
        self._stream = stream
        self._decoder = Decoder(container, stream)
        self._length, self._most_pixels = length, pixels
        self._reformatter = VideoReformatter()
        self._counted, self._broken = view.counted, view.broken

    @property
    def damaged(self) -> bool:
        """Whether a part could not be decoded so far; frames with an error in them are left out."""
        return self._broken or self._decoder.damaged

    def __iter__(self) -> Iterator[Frame]:
        clock, count = Clock(self.fps, self._counted), 0
        for decoded in self._decoder:
            time_s = clock.time_of(decoded)
            if count == self._length.frames:
                raise self._length.too_many()
            if time_s > self._length.seconds:
                raise self._length.too_long()
            yield Frame(self._pixels(decoded), count, time_s)
            count += 1
        if not count:
            raise UndecodableMediaError("No frame of the clip can be decoded.")
        if count == 1:
            raise TooFewFramesError("The clip has a single frame; a motion needs two.")

    def _pixels(self, frame: VideoFrame) -> Pixels:
        """The frame in blue-green-red, upright and with square pixels."""
        check_size(frame.width, frame.height, self._most_pixels, "video_pixels")
        aspect = self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio
        size = display.square_size(frame.width, frame.height, aspect, self._most_pixels)
        # Brightness as it is coded: what FFmpeg does not convert from would lose the frame.
        frame.color_trc = frame.color_primaries = _UNSPECIFIED
        if frame.colorspace not in _MATRICES:
            frame.colorspace = _UNSPECIFIED
        try:
            shown = self._reformatter.reformat(frame, *size, format="bgr24", threads=1)
        except BROKEN:
            raise UndecodableMediaError("The clip's colours cannot be read.") from None
        rows = np.frombuffer(memoryview(shown.planes[0]), np.uint8).reshape(shown.height, -1)
        pixels = rows[:, : 3 * shown.width].reshape(shown.height, shown.width, 3)
        if self._decoder.orientation != 1:
            return raster.upright(pixels, self._decoder.orientation)
        return np.ascontiguousarray(display.upright(pixels, display.matrix_of(frame)))


def _open(data: bytes, limits: MediaLimits, length: _Length) -> ClipStream:
    kind = _accepted(data, limits)
    # For streams that outgrow their header; more, because decoders count whole blocks.
    max_pixels = str(2 * limits.video_pixels + 256 * 256)
    try:
        view = _view(data, kind, length.frames)
        if kind is not Kind.AVI:  # whose frames are of the size that they say themselves
            check_size(*view.size, limits.video_pixels, "video_pixels")
        container = _demuxed(MaskedFile(data, view.masks), kind, max_pixels)
        stream = container.streams.best("video")
    except TooManyFramesError:
        raise length.too_many() from None
    except (*BROKEN, LookupError, struct.error):
        raise UndecodableMediaError(f"The {kind} file cannot be decoded.") from None
    # A picture that is attached is the cover of a sound recording.
    if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
        raise UndecodableMediaError("The clip has no video stream that can be decoded.")
    context = _allowed_codec(stream, kind)
    size = (context.width, context.height) if context.width else view.size
    check_size(*size, limits.video_pixels, "video_pixels")
    context.options = {
        "max_pixels": max_pixels,
        # What a decoder makes up where it finds an error would look like motion.
        "err_detect": "crccheck+explode",
        "codec_whitelist": context.codec.name,
    }
    # A worker has one core, and each thread of FFmpeg's holds a frame in memory.
    context.thread_count = 1
    clip = ClipStream(container, stream, length, limits.video_pixels, view)
    _check_claims(clip, length)
    return clip


def _accepted(data: bytes, limits: MediaLimits) -> Kind:
    """`accepted`, with the name of what came instead of a clip."""
    try:
        return accepted(data, containers.CLIPS, limits)
    except UnsupportedMediaError:
        if (found := unread_video.named(data)) is None:
            raise
        raise UnsupportedMediaError(found.told("clip")) from None


def _demuxed(file: MaskedFile, kind: Kind, max_pixels: str) -> InputContainer:
    """The container, opened by the demuxer of its kind, with no decoder but those of our list."""
    container: InputContainer = av.open(
        file,
        "r",
        format=_DEMUXERS[kind],
        options={
            # FFmpeg would decode the first frames to learn more than the header says.
            "skip_frame": "all",
            "codec_whitelist": ",".join(_decoders(kind)),
            "format_whitelist": _DEMUXERS[kind],
            "max_streams": str(_MOST_STREAMS),
            "max_pixels": max_pixels,
        },
        **_LENIENT,
    )
    return container


def _allowed_codec(stream: VideoStream, kind: Kind) -> VideoCodecContext:
    """The stream's codec. Raises UndecodableMediaError and UnsupportedMediaError."""
    context = stream.codec_context
    if not context:
        raise UndecodableMediaError("The clip's codec is unknown.")
    if context.codec.name not in _decoders(kind):
        # FFmpeg's own word for it; nothing of the upload.
        raise UnsupportedMediaError(unread_video.codec(kind, context.codec.canonical_name, _CODECS))
    return context


def _view(data: bytes, kind: Kind, frames: int) -> View:
    """What FFmpeg is to read of the file.

    Raises TooManyFramesError and, for what cannot be followed, ValueError, LookupError and
    struct.error.
    """
    if kind is Kind.MP4:
        return mp4.view(data, frames)
    if kind is Kind.MKV:
        return matroska.view(data, frames)
    if kind is Kind.AVI:
        return avi.view(data)
    # FFmpeg goes on behind codes that make no frame.
    is_broken = entropy.walk_gif(data) is not Outcome.WHOLE
    return View(size=struct.unpack_from("<HH", data, 6), broken=is_broken)


def _decoders(kind: Kind) -> tuple[str, ...]:
    return ("gif",) if kind is Kind.GIF else _DECODERS


def _check_claims(clip: ClipStream, length: _Length) -> None:
    if clip.fps and clip.claimed_frames and (clip.claimed_frames - 1) / clip.fps > length.seconds:
        raise length.too_long()
    if clip.claimed_frames and clip.claimed_frames > length.frames:
        raise length.too_many()


def _claimed_frames(
    container: InputContainer, stream: VideoStream, fps: float | None
) -> int | None:
    """As the header counts them, or as its duration has room for."""
    if stream.frames > 0 or not fps:
        return stream.frames if stream.frames > 0 else None
    step_s = _positive(stream.time_base)
    if stream.duration and step_s:
        seconds = stream.duration * step_s
    else:
        seconds = (container.duration or 0) / av.time_base
    return round(seconds * fps) or None


def _positive(ratio: Fraction | None) -> float | None:
    """None where it is not known, which PyAV 19 gives as 0/0."""
    if ratio is None or ratio.numerator <= 0 or ratio.denominator <= 0:
        return None
    return float(ratio)
