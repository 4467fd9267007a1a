"""Images of a folder, decoded by the service and by Pillow, which share only libraries."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from off_tanet.errors import MediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import containers
from off_tanet.recognition.media.images import decode_image
from off_tanet.types import Pixels
from PIL import Image, ImageOps

from tests.check_media.tally import Tally

CLOSE = 2.0  # grey levels on average: JPEG decoders interpolate colours differently
BROKEN = "not read, though Pillow reads it"


def check(folder: Path) -> Tally:
    """Decode every file in and below `folder` that is of an image type."""
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    differing: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if containers.kind_of(data) not in containers.PICTURES:
            continue
        counts["files"] += 1
        theirs = by_pillow(data)
        try:
            ours = decode_image(data, MediaLimits())
        except MediaError as error:
            refused[error.detail] += 1
            if "broken" in error.detail and theirs is not None:
                differing.append(f"{path.name}: {BROKEN}")
            continue
        if theirs is None:
            differing.append(f"{path.name}: not read by Pillow")
            continue
        distance = _distance(ours, theirs)
        if distance <= CLOSE:
            counts["alike"] += 1
        else:
            differing.append(f"{path.name}: {_told(distance)}")
    return Tally("pictures", counts["files"], counts["alike"], dict(refused), differing)


def by_pillow(data: bytes) -> Pixels | None:
    """Pillow's image, upright and on black; None if it reads nothing."""
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as picture:
            warnings.simplefilter("ignore")
            upright = ImageOps.exif_transpose(picture)
            return np.asarray(_colour(upright), np.uint8)[..., ::-1]
    except Exception:  # Pillow's plugins raise any exception
        return None


def _colour(picture: Image.Image) -> Image.Image:
    """Eight bits of red, green and blue; transparent pixels become black."""
    if picture.mode.startswith("I;16"):  # which Pillow would clip at 255
        return Image.fromarray(_stretched(np.asarray(picture)))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, picture)
    return picture.convert("RGB")


def _stretched(samples: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Stretched to their range, as the service does if a file does not declare one."""
    needed = int(samples.max()).bit_length()
    largest = next((1 << bits) - 1 for bits in (8, 10, 12, 14, 16) if bits >= needed)
    grey = np.rint(samples * (255 / largest)).astype(np.uint8)
    return np.dstack([grey] * 3)


def _distance(ours: Pixels, theirs: Pixels) -> float:
    """The mean difference in grey levels; infinite if the sizes differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours.astype(int) - theirs).mean())


def _told(distance: float) -> str:
    return "of another size" if distance == float("inf") else f"{distance:.1f} grey levels"
