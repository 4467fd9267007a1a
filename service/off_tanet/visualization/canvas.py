"""Drawing primitives: lines, polygons, text and colours.

Pictures have twice the resolution at which they are shown: at half their size, text has 13 points.
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
DARK_GREY: Colour = (51, 51, 51)
LIGHT_GREY: Colour = (224, 224, 224)
BLUE: Colour = (178, 114, 0)  # these four are from the colour-blind safe palette of Okabe and Ito
GREEN: Colour = (115, 158, 0)
VERMILION: Colour = (0, 94, 213)
PURPLE: Colour = (167, 121, 204)

TEXT_SIZE = 26
_SHIFT = 4  # coordinates are in sixteenths of a pixel, for antialiasing by OpenCV


def blank(width: int, height: int) -> Pixels:
    """Return a white picture [height, width, 3]."""
    return np.full((height, width, 3), 255, np.uint8)


def draw_lines(picture: Pixels, points: Sequence[Point], colour: Colour, width: int = 2) -> None:
    """Draw straight lines from point to point."""
    cv2.polylines(picture, [_sixteenths(points)], False, colour, width, cv2.LINE_AA, _SHIFT)


def draw_polygon(picture: Pixels, corners: Sequence[Point], colour: Colour) -> None:
    """Draw a filled convex polygon."""
    cv2.fillConvexPoly(picture, _sixteenths(corners), colour, cv2.LINE_AA, _SHIFT)


def draw_text(
    picture: Pixels,
    text: str,
    place: tuple[int, int],
    colour: Colour = DARK_GREY,
    size: int = TEXT_SIZE,
    weight: int = 400,
) -> None:
    """Draw text in the font that is built into OpenCV 5.

    Args:
        picture: The picture [H, W, 3] to draw on.
        text: One line.
        place: The start of the baseline (x, y), in pixels.
        colour: Blue, green, red.
        size: The height of the font, in pixels.
        weight: The weight of the font; 400 is regular.
    """
    cv2.putText(picture, text, place, colour, cv2.FontFace("sans"), size, weight)


def text_width(text: str, size: int = TEXT_SIZE, weight: int = 400) -> int:
    """Return the width of a text, in pixels."""
    box = cv2.getTextSize((4096, 4096), text, (0, 0), cv2.FontFace("sans"), size, weight)
    return int(box[2])


def cividis(values: NDArray[Any]) -> Pixels:
    """Map values to the colour map cividis, whose lightness is uniform also for the colour-blind.

    J. R. Nuñez, C. R. Anderton, R. S. Renslow, "Optimizing colormaps with consideration for color
    vision deficiency", PLOS ONE 13, 2018.

    Args:
        values: Values [H, W]; those outside 0..1, which interpolation may produce, are clipped.

    Returns:
        The colours [H, W, 3].
    """
    levels = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_CIVIDIS), np.uint8)


def encode_png(picture: NDArray[np.generic]) -> bytes:
    """Encode a picture [H, W] or [H, W, 3] as a PNG file."""
    done, data = cv2.imencode(".png", np.asarray(picture, np.uint8))
    if not done:
        raise RuntimeError("OpenCV could not encode a PNG")
    return data.tobytes()


def _sixteenths(points: Sequence[Point]) -> NDArray[np.int32]:
    return np.asarray(np.rint(np.array(points) * (1 << _SHIFT)), np.int32)
