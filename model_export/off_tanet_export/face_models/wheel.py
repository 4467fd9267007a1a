"""The `.tflite` files and the licence in the wheel of `mediapipe`, which is never installed."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from off_tanet_export.errors import ModelExportError

VERSION = "0.10.14"
"""Later wheels don't contain these files."""


class WheelError(ModelExportError):
    """The file is not a wheel of mediapipe 0.10.14, or it is damaged."""


@dataclass(frozen=True)
class Source:
    """A `.tflite` file in the wheel.

    Attributes:
        path: Where it is in the wheel, below `mediapipe/modules/`.
        sha256: Of its bytes. All wheels of one release contain the same file, whatever the
            platform, so that a hash of the file admits each of them and a hash of a wheel one.
    """

    path: str
    sha256: str


def read_wheel(wheel: Path, sources: list[Source]) -> tuple[list[bytes], str]:
    """Read the `.tflite` files and the text of the Apache licence.

    Args:
        wheel: A wheel of mediapipe 0.10.14 for any platform.
        sources: The files to read.

    Raises:
        WheelError: The file is no such wheel, or a file in it is another one.
        OSError: The wheel cannot be read.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = [archive.read(f"mediapipe/modules/{source.path}") for source in sources]
            licence = archive.read(f"mediapipe-{VERSION}.dist-info/LICENSE").decode()
    except (zipfile.BadZipFile, KeyError) as error:
        raise WheelError(f"{wheel.name} is not a wheel of mediapipe {VERSION}") from error
    for source, content in zip(sources, data, strict=True):
        if hashlib.sha256(content).hexdigest() != source.sha256:
            raise WheelError(f"{source.path} in {wheel.name} is not that of mediapipe {VERSION}")
    # What follows the rule is the licence of a part that is not converted.
    return data, licence.split("\n====")[0].rstrip() + "\n"
