"""The wheel of `mediapipe`, from which the face models are converted; it is never installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from off_tanet_export.face_models.wheel import VERSION

# The release has no wheel for Python 3.13 and newer, and any platform's wheel contains the models.
TARGET = ("--only-binary=:all:", "--python-version=3.11", "--platform=manylinux2014_x86_64")


def download(folder: Path) -> Path | None:
    """Download the wheel with pip, without its dependencies; None where pip cannot."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--dest", str(folder)]
    result = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, *TARGET, f"mediapipe=={VERSION}"],
        check=False,
        capture_output=True,
        timeout=120,
    )
    return next(folder.glob("*.whl"), None) if result.returncode == 0 else None
