"""The limits on the length of a clip or a long video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from off_tanet.errors import ClipTooLongError, LimitExceededError
from off_tanet.limits import MediaLimits


@dataclass(frozen=True, slots=True)
class LengthLimit:
    """The largest length of a clip.

    `prefix` is prepended to `frames` and `seconds` for the name of the limit in errors.
    """

    frames: int
    seconds: float
    prefix: str = ""
    error: type[LimitExceededError] = ClipTooLongError

    @classmethod
    def of_clip(cls, limits: MediaLimits) -> Self:
        """Return the limits `frames` and `seconds`."""
        return cls(limits.frames, limits.seconds)

    @classmethod
    def of_video(cls, limits: MediaLimits) -> Self:
        """Return the limits `video_frames` and `video_seconds`."""
        return cls(limits.video_frames, limits.video_seconds, "video_", LimitExceededError)

    def too_long_error(self) -> LimitExceededError:
        """Return the error of a clip that lasts too long."""
        detail = f"The clip is longer than {self.seconds:g} s."
        return self.error(detail, f"{self.prefix}seconds")

    def too_many_frames_error(self) -> LimitExceededError:
        """Return the error of a clip that has too many frames."""
        detail = f"The clip has more than {self.frames} frames."
        return self.error(detail, f"{self.prefix}frames")
