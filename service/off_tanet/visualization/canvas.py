"""Paper, ink and letters: what every picture is drawn with.

Pictures are drawn for screens of two pixels to the point: shown at half their size, their text
has 13 points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.types import Pixels

Colour = tuple[int, int, int]
"""Blue, green, red."""

Point = tuple[float, float]
"""x, y in pixels."""

WHITE: Colour = (255, 255, 255)
INK: Colour = (51, 51, 51)
PALE: Colour = (224, 224, 224)
BLUE: Colour = (178, 114, 0)  # these four are of Okabe and Ito's colour-blind safe set
GREEN: Colour = (115, 158, 0)
VERMILION: Colour = (0, 94, 213)
PURPLE: Colour = (167, 121, 204)

TEXT = 26
_SHIFT = 4  # places are given in sixteenths of a pixel, which OpenCV then blends


def paper(width: int, height: int) -> Pixels:
    """A white picture [height, width, 3]."""
    return np.full((height, width, 3), 255, np.uint8)


def lines(picture: Pixels, points: Sequence[Point], colour: Colour, width: int = 2) -> None:
    """Straight lines from point to point."""
    cv2.polylines(picture, [_sixteenths(points)], False, colour, width, cv2.LINE_AA, _SHIFT)


def shape(picture: Pixels, corners: Sequence[Point], colour: Colour) -> None:
    """A filled convex polygon."""
    cv2.fillConvexPoly(picture, _sixteenths(corners), colour, cv2.LINE_AA, _SHIFT)


def write(
    picture: Pixels,
    text: str,
    place: tuple[int, int],
    colour: Colour = INK,
    size: int = TEXT,
    weight: int = 400,
) -> None:
    """`text` with its base line's start at `place`, in the font that OpenCV 5 brings along."""
    cv2.putText(picture, text, place, colour, cv2.FontFace("sans"), size, weight)


def width_of(text: str, size: int = TEXT, weight: int = 400) -> int:
    """How many pixels `write` takes for `text`."""
    box = cv2.getTextSize((4096, 4096), text, (0, 0), cv2.FontFace("sans"), size, weight)
    return int(box[2])


def cividis(values: NDArray[Any]) -> Pixels:
    """Colours of values in 0..1, in a map that grows evenly in lightness for everybody's eyes.

    J. R. Nuñez, C. R. Anderton, R. S. Renslow, "Optimizing colormaps with consideration for color
    vision deficiency", PLOS ONE 13, 2018. Values beyond, as interpolation leaves them, are cut.
    """
    levels = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_CIVIDIS), np.uint8)


def png(picture: NDArray[np.generic]) -> bytes:
    """The picture [H, W] or [H, W, 3] as a PNG file."""
    done, data = cv2.imencode(".png", np.asarray(picture, np.uint8))
    if not done:
        raise RuntimeError("OpenCV could not encode a PNG")
    return data.tobytes()


def _sixteenths(points: Sequence[Point]) -> NDArray[np.int32]:
    return np.asarray(np.rint(np.array(points) * (1 << _SHIFT)), np.int32)
