"""Decoding of the samples of the package, as a check of the installation."""

from __future__ import annotations

from off_tanet.configuration import SAMPLES
from off_tanet.errors import InstallationError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import images
from off_tanet.recognition.media.video import open_clip


def decode_samples() -> None:
    """Decode an image and a clip of the package; where this fails, every upload would fail.

    Raises:
        InstallationError: If one of them cannot be decoded.
    """
    try:
        images.decode_image((SAMPLES / "surprise_apex.jpg").read_bytes(), MediaLimits())
        clip = (SAMPLES / "clip.mp4").read_bytes()
        for _ in open_clip(clip, MediaLimits()):
            pass
    except Exception as error:
        detail = f"The package's samples cannot be decoded ({type(error).__name__})."
        raise InstallationError(detail) from error
