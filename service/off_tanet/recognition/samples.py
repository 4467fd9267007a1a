"""Decoding of the samples of the package, as a check of the installation."""

from __future__ import annotations

from itertools import islice

from off_tanet.configuration import SAMPLES
from off_tanet.errors import InstallationError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import images
from off_tanet.recognition.media.video import open_clip


def decode_samples() -> None:
    """Decode an image of the package, and two frames of a clip; where this fails, uploads would.

    Raises:
        InstallationError: If one of them cannot be decoded.
    """
    try:
        images.decode_image((SAMPLES / "surprise_apex.jpg").read_bytes(), MediaLimits())
        clip = (SAMPLES / "clip.mp4").read_bytes()
        for _ in islice(open_clip(clip, MediaLimits()), 2):
            pass
    except Exception as error:
        detail = f"The package's samples cannot be decoded ({type(error).__name__})."
        raise InstallationError(detail) from error
