"""What a clip can be: an encoded video, or pictures of its frames."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import video
from off_tanet.recognition.media.frame_files import FrameFiles, FrameFileStream
from off_tanet.recognition.media.length import LengthLimit
from off_tanet.types import Frame

Source = bytes | FrameFiles
"""An encoded video, or its frames as files."""


class FrameStream(Protocol):
    """Frames in the order of time, to be read once; iteration may raise a MediaError."""

    @property
    def claimed_frames(self) -> int | None:
        """The number of frames, if it is known before they are decoded."""
        ...

    @property
    def damaged(self) -> bool:
        """Whether a part could not be decoded so far."""
        ...

    def __iter__(self) -> Generator[Frame]: ...


def open_clip(source: Source, limits: MediaLimits) -> FrameStream:
    """Open a clip.

    Args:
        source: The clip.
        limits: The limits for clips apply.

    Raises:
        MediaError: It cannot be decoded, or is too long.
    """
    if isinstance(source, bytes):
        return video.open_clip(source, limits)
    return FrameFileStream(source, limits, LengthLimit.of_clip(limits))


def open_video(source: Source, limits: MediaLimits) -> FrameStream:
    """Open a long video, like `open_clip`, but with the limits for long videos."""
    if isinstance(source, bytes):
        return video.open_video(source, limits)
    return FrameFileStream(source, limits, LengthLimit.of_video(limits))
