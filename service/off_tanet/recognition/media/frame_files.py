"""Clips as folders of pictures, one for each frame, as laboratories record them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from off_tanet import files
from off_tanet.errors import FrameSizesError, MediaError, TooFewFramesError, UnreadableFileError
from off_tanet.files import natural_order, printable
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.images import decode_frames
from off_tanet.recognition.media.length import LengthLimit
from off_tanet.types import Frame

PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""The suffixes of frames."""


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """The frames of a clip as files.

    Attributes:
        paths: The pictures, in the order of the recording.
        fps: Frames per second.
    """

    paths: tuple[Path, ...]
    fps: float

    @classmethod
    def of(cls, folder: Path, fps: float) -> Self:
        """Take the pictures of a folder, in natural order: img46 is before img105.

        Args:
            folder: The folder; its subfolders and hidden files are left out.
            fps: Frames per second, above 0.

        Raises:
            UnreadableFileError: The folder cannot be read, or the rate is not above 0.
        """
        if not fps > 0:
            raise UnreadableFileError("A folder of frames needs a frame rate above 0.")
        return cls(tuple(list_frames(folder)), fps)


def list_frames(folder: Path) -> list[Path]:
    """Return the pictures of a folder in natural order.

    Args:
        folder: The folder.

    Raises:
        UnreadableFileError: It cannot be read.
    """
    try:
        found = [path for path in folder.iterdir() if is_frame(path)]
    except OSError as error:
        raise UnreadableFileError(f"{printable(folder.name)}: {error.strerror}.") from None
    return sorted(found, key=lambda path: (natural_order(path.name), path.name))


def is_frame(path: Path) -> bool:
    """Return whether a file can be a frame, by its name."""
    return path.suffix.lower() in PICTURES and not path.name.startswith(".")


class FrameFileStream:
    """Iterate once over frames, each of which is read when its turn comes.

    Iteration raises a MediaError or an UnreadableFileError that names the picture at fault.

    Attributes:
        claimed_frames: The number of frames.
        damaged: Whether a part of a picture could not be decoded so far.
    """

    def __init__(self, frames: FrameFiles, limits: MediaLimits, length: LengthLimit) -> None:
        """Check the length.

        Raises:
            TooFewFramesError: There are fewer than two frames.
            LimitExceededError: There are too many.
        """
        self.claimed_frames = len(frames.paths)
        self.damaged = False
        self._frames, self._limits = frames, limits
        if self.claimed_frames < 2:
            raise TooFewFramesError("The folder has fewer than two pictures.")
        if self.claimed_frames > length.frames:
            raise length.too_many_frames_error()
        if (self.claimed_frames - 1) / frames.fps > length.seconds:
            raise length.too_long_error()

    def __iter__(self) -> Generator[Frame]:
        paths, limit = self._frames.paths, self._limits.upload_bytes
        decoded = decode_frames((files.read(path, limit) for path in paths), self._limits)
        first = None
        for index, path in enumerate(paths):
            try:
                image = next(decoded)
            except MediaError as error:
                error.detail = f"{printable(path.name)}: {error.detail}"
                raise
            first = image.pixels.shape if first is None else first
            if image.pixels.shape != first:
                raise FrameSizesError(f"{printable(path.name)} is not as large as the first frame.")
            self.damaged = self.damaged or image.damaged
            yield Frame(image.pixels, index, index / self._frames.fps)
