"""Opening of video containers by FFmpeg, restricted to the parts and codecs that are allowed."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from off_tanet.errors import UndecodableMediaError, UnsupportedMediaError
from off_tanet.recognition.media import avi, entropy, matroska, mp4, unsupported_video
from off_tanet.recognition.media.containers import Kind
from off_tanet.recognition.media.entropy import Outcome
from off_tanet.recognition.media.masking import MaskedFile, View

# The kind is known from the first bytes. FFmpeg must not detect it, since some formats open other
# files.
_DEMUXERS = {Kind.MP4: "mp4", Kind.AVI: "avi", Kind.MKV: "matroska", Kind.GIF: "gif"}

# FFmpeg's names of the decoders that may be opened, of about 300; AV1 has two.
_DECODERS = ("h264", "hevc", "mpeg4", "mjpeg", "vp8", "vp9", "libdav1d", "av1")
_CODECS = "H.264, HEVC, MPEG-4, MJPEG, VP8, VP9 and AV1"
_MAX_STREAMS = 100  # including sound and subtitles that are not masked

# Titles and comments may be in any encoding. PyAV 19 accepts all; PyAV 18 needs an option.
_LENIENT: Mapping[str, Any] = (
    {"metadata_errors": "replace"} if hasattr(InputContainer, "metadata_errors") else {}
)


def view(data: bytes, kind: Kind, frames: int) -> View:
    """Return what FFmpeg may read of the file.

    Raises TooManyFramesError, and ValueError, LookupError or struct.error for an invalid structure.
    """
    if kind is Kind.MP4:
        return mp4.view(data, frames)
    if kind is Kind.MKV:
        return matroska.view(data, frames)
    if kind is Kind.AVI:
        return avi.view(data)
    # FFmpeg continues after codes that give no complete frame.
    is_broken = entropy.walk_gif(data) is not Outcome.WHOLE
    return View(size=struct.unpack_from("<HH", data, 6), broken=is_broken)


def open_container(file: MaskedFile, kind: Kind, max_pixels: str) -> InputContainer:
    """Open the container with the demuxer of its kind and the allowed decoders only."""
    container: InputContainer = av.open(
        file,
        "r",
        format=_DEMUXERS[kind],
        options={
            # Otherwise FFmpeg decodes the first frames to complete the header.
            "skip_frame": "all",
            "codec_whitelist": ",".join(_decoders(kind)),
            "format_whitelist": _DEMUXERS[kind],
            "max_streams": str(_MAX_STREAMS),
            "max_pixels": max_pixels,
        },
        **_LENIENT,
    )
    return container


def check_codec(stream: VideoStream, kind: Kind) -> VideoCodecContext:
    """Return the codec. Raises UndecodableMediaError or UnsupportedMediaError if not allowed."""
    context = stream.codec_context
    if not context:
        raise UndecodableMediaError("The clip's codec is unknown.")
    if context.codec.name not in _decoders(kind):
        name = context.codec.canonical_name  # a constant of FFmpeg, not content of the upload
        raise UnsupportedMediaError(unsupported_video.codec_refusal(kind, name, _CODECS))
    return context


def _decoders(kind: Kind) -> tuple[str, ...]:
    return ("gif",) if kind is Kind.GIF else _DECODERS
