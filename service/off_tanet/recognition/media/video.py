"""Decoding of clips and long videos frame by frame, in memory and within limits.

FFmpeg decodes, through PyAV. OpenCV's reader does not support AV1, skips damaged frames without an
error, and allocates memory for a frame before its size can be checked.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from off_tanet.errors import (
    TooFewFramesError,
    UndecodableMediaError,
    UnsupportedMediaError,
)
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import (
    containers,
    demuxing,
    display,
    unsupported_video,
)
from off_tanet.recognition.media.containers import Kind
from off_tanet.recognition.media.conversion import Converter
from off_tanet.recognition.media.decoding import DECODING_ERRORS, Decoder
from off_tanet.recognition.media.images import check_size, validate_upload
from off_tanet.recognition.media.length import LengthLimit
from off_tanet.recognition.media.masking import MaskedFile, TooManyFramesError, View
from off_tanet.recognition.media.timing import Clock
from off_tanet.recognition.media.turns import Turn
from off_tanet.types import Frame, Pixels


def open_clip(data: bytes, limits: MediaLimits) -> ClipStream:
    """Open an MP4, MOV, AVI, WebM, MKV or GIF clip.

    Args:
        data: The file. Its kind is determined by its first bytes.
        limits: `upload_bytes`, `video_pixels`, `frames` and `seconds` apply.

    Returns:
        The frames, with the timestamps of the file.

    Raises:
        UnsupportedMediaError: The file is of another kind, or its codec is not supported.
        LimitExceededError: The header declares more than `limits` allow.
        UndecodableMediaError: The file is empty, truncated or broken, or has no video stream.
    """
    return _open(data, limits, LengthLimit.of_clip(limits))


def open_video(data: bytes, limits: MediaLimits) -> ClipStream:
    """Open a long video, like `open_clip`, but with the limits for long videos.

    Args:
        data: The file.
        limits: `video_bytes`, `video_pixels`, `video_frames` and `video_seconds` apply.
    """
    clip_limits = replace(limits, upload_bytes=limits.video_bytes)
    return _open(data, clip_limits, LengthLimit.of_video(limits))


class ClipStream:
    """Iterate once over the frames of a clip, in order of time.

    Iteration raises LimitExceededError before a frame that exceeds a limit is converted. At the end
    it raises UndecodableMediaError without any frame, and TooFewFramesError after a single one. If
    the frame size changes within the clip, as in recordings of browsers, each frame keeps its size.

    Attributes:
        fps: The nominal frame rate, None if it is unknown.
        claimed_frames: The number of frames that the header declares, or that follows from its
            duration; None if it is unknown.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        length: LengthLimit,
        pixels: int,
        view: View,
    ) -> None:
        average = _positive(stream.average_rate)
        self.fps = average or _positive(stream.guessed_rate)
        # The guess is the rate of the finest step: 1000 if two frames of a browser's recording are
        # a millisecond apart.
        self.claimed_frames = _claimed_frames(container, stream, average)
        self._stream = stream
        self._decoder = Decoder(container, stream)
        self._length, self._max_pixels = length, pixels
        self._converter = Converter()
        self._constant_rate, self._broken = view.constant_rate, view.broken

    @property
    def damaged(self) -> bool:
        """Whether a part could not be decoded so far; frames with errors are skipped."""
        return self._broken or self._decoder.damaged

    def __iter__(self) -> Generator[Frame]:
        try:
            yield from self._frames()
        finally:
            self._decoder.close()

    def _frames(self) -> Iterator[Frame]:
        clock, count = Clock(self.fps, self._constant_rate), 0
        for decoded in self._decoder:
            time_s = clock.time_of(decoded)
            if count == self._length.frames:
                raise self._length.too_many_frames_error()
            if time_s > self._length.seconds:
                raise self._length.too_long_error()
            yield Frame(self._pixels(decoded), count, time_s)
            count += 1
        if not count:
            raise UndecodableMediaError("No frame of the clip can be decoded.")
        if count == 1:
            raise TooFewFramesError("The clip has only one frame; at least two are needed.")

    def _pixels(self, frame: VideoFrame) -> Pixels:
        """Convert a frame to blue-green-red, upright and with square pixels."""
        check_size(frame.width, frame.height, self._max_pixels, "video_pixels")
        aspect = self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio
        size = display.square_size(frame.width, frame.height, aspect, self._max_pixels)
        try:
            return self._converter.convert(frame, size, self._turn(frame))
        except DECODING_ERRORS:
            raise UndecodableMediaError("The colours of the clip cannot be converted.") from None

    def _turn(self, frame: VideoFrame) -> Turn:
        if self._decoder.orientation != 1:
            return Turn.of_exif(self._decoder.orientation)
        return Turn.of_matrix(display.display_matrix(frame))


def _open(data: bytes, limits: MediaLimits, length: LengthLimit) -> ClipStream:
    kind = _validate_clip(data, limits)
    # For frames larger than the header declares. More than the limit, since decoders count whole
    # blocks.
    max_pixels = str(2 * limits.video_pixels + 256 * 256)
    try:
        view = demuxing.view(data, kind, length.frames)
        if kind is not Kind.AVI:  # its frames have their own size, not that of the header
            check_size(*view.size, limits.video_pixels, "video_pixels")
        container = demuxing.open_container(MaskedFile(data, view.masks), kind, max_pixels)
        stream = container.streams.best("video")
    except TooManyFramesError:
        raise length.too_many_frames_error() from None
    except (*DECODING_ERRORS, LookupError, struct.error):
        raise UndecodableMediaError(f"The {kind} file cannot be decoded.") from None
    # An attached picture is the cover of a sound recording.
    if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
        raise UndecodableMediaError("The clip has no video stream that can be decoded.")
    context = demuxing.check_codec(stream, kind)
    size = (context.width, context.height) if context.width else view.size
    check_size(*size, limits.video_pixels, "video_pixels")
    context.options = {
        "max_pixels": max_pixels,
        # Content that a decoder interpolates after an error would look like motion.
        "err_detect": "crccheck+explode",
        "codec_whitelist": context.codec.name,
    }
    # A worker has one core, and each thread of FFmpeg keeps a frame in memory.
    context.thread_count = 1
    clip = ClipStream(container, stream, length, limits.video_pixels, view)
    _check_claims(clip, length)
    return clip


def _validate_clip(data: bytes, limits: MediaLimits) -> Kind:
    """Validate the upload; an error names its format if it is known."""
    try:
        return validate_upload(data, containers.CLIPS, limits)
    except UnsupportedMediaError:
        if (found := unsupported_video.identify(data)) is None:
            raise
        raise UnsupportedMediaError(found.refusal("clip")) from None


def _check_claims(clip: ClipStream, length: LengthLimit) -> None:
    if clip.fps and clip.claimed_frames and (clip.claimed_frames - 1) / clip.fps > length.seconds:
        raise length.too_long_error()
    if clip.claimed_frames and clip.claimed_frames > length.frames:
        raise length.too_many_frames_error()


def _claimed_frames(
    container: InputContainer, stream: VideoStream, fps: float | None
) -> int | None:
    """Return the number of frames in the header, or else compute it from the duration."""
    if stream.frames > 0 or not fps:
        return stream.frames if stream.frames > 0 else None
    step_s = _positive(stream.time_base)
    if stream.duration and step_s:
        seconds = stream.duration * step_s
    else:
        seconds = (container.duration or 0) / av.time_base
    return round(seconds * fps) or None


def _positive(ratio: Fraction | None) -> float | None:
    """Return None for an unknown rate; PyAV 19 returns 0/0 for it."""
    if ratio is None or ratio.numerator <= 0 or ratio.denominator <= 0:
        return None
    return float(ratio)
