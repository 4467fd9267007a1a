"""Grey pictures of random faces, drawn from ellipses, lines and noise.

They are not meant to look real. They contain the structure of a face that matters to TV-L1: edges
at brows, eyelids, nostrils and lips, soft folds, skin with some grain, and cheeks with little
texture.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
"""A picture [S, S] in grey levels, or factors of one."""

Point = tuple[float, float]
Generator = np.random.Generator

MARGIN = 0.25
"""The width of a picture beyond the canonical crop on each side, in crops."""

EXTENT = 1 + 2 * MARGIN
"""The width of a picture, in crops."""

SIDES = (-1, 1)
FRACTION_BITS = 4


class Sketch:
    """A picture [S, S] to draw on, in fractions of the crop, x to the right and y down.

    Args:
        size: The side of the picture, in pixels.
        level: The initial level.
    """

    def __init__(self, size: int, level: float = 0.0) -> None:
        self.unit = size / EXTENT
        self.levels: Grey = np.full((size, size), level, np.float32)

    def ellipse(
        self, at: Point, radii: Point, level: float, arc: Point = (0, 360), width: float = 0.0
    ) -> None:
        """Fill an ellipse, or draw an arc of its edge.

        Args:
            at: The centre (x, y).
            radii: The horizontal and the vertical radius.
            level: The level to draw.
            arc: First and last angle in degrees, clockwise from the right.
            width: The width of the edge; 0 fills the ellipse.
        """
        x, y = self._subpixels([at])[0].tolist()
        across, down = (max(radius * self.unit, 0.6) * 2**FRACTION_BITS for radius in radii)
        thickness = self._thickness(width) if width else -1
        cv2.ellipse(
            self.levels, (x, y), (int(across), int(down)), 0, *arc, level, thickness,
            cv2.LINE_AA, FRACTION_BITS,
        )  # fmt: skip

    def line(self, points: Sequence[Point], level: float, width: float) -> None:
        """Draw a line of a width through points (x, y)."""
        path = self._subpixels(points)
        cv2.polylines(
            self.levels, [path], False, level, self._thickness(width), cv2.LINE_AA, FRACTION_BITS
        )

    def blurred(self, width: float) -> Grey:
        """Return the picture blurred by a Gaussian of standard deviation `width`."""
        return np.asarray(cv2.GaussianBlur(self.levels, (0, 0), width * self.unit), np.float32)

    def _thickness(self, width: float) -> int:
        return max(1, round(width * self.unit))

    def _subpixels(self, points: Sequence[Point]) -> NDArray[np.int32]:
        places = (np.asarray(points) + MARGIN) * self.unit * 2**FRACTION_BITS
        return np.asarray(np.rint(places), np.int32)


def draw(rng: Generator, size: int) -> Grey:
    """Draw a face.

    Args:
        rng: Draws all variation.
        size: The side of the picture, in pixels.

    Returns:
        Levels 3..252, [size, size]; the canonical crop is the picture without its `MARGIN`.
    """
    skin = rng.uniform(80, 200)
    picture, mask = _head(rng, size, skin)
    places = (np.arange(size, dtype=np.float32) + 0.5) * (EXTENT / size) - MARGIN - 0.5
    x, y = np.meshgrid(places, places)
    light = 1 + rng.uniform(-0.4, 0.4) * x + rng.uniform(-0.3, 0.3) * y
    light -= rng.uniform(0, 0.75) * x**2
    light += rng.uniform(0, 0.08) * _grain(rng, size, rng.uniform(0.08, 0.2))
    skin_texture = _texture(rng, size)
    face = skin_texture + _furrows(rng, size) + _nose(rng, size) + _features(rng, size)
    lit = picture * light * (1 + mask * face + 0.5 * (1 - mask) * skin_texture)
    return np.asarray(np.clip(lit, 3, 252), np.float32)


def _head(rng: Generator, size: int, skin: float) -> tuple[Grey, Grey]:
    """Draw a plain head with hair and neck on a background, and the mask (0..1) of the face."""
    picture, mask = Sketch(size, rng.uniform(20, 230)), Sketch(size)
    if rng.random() < 0.4:
        picture.levels += rng.uniform(2, 15) * _grain(rng, size, rng.uniform(0.025, 0.18))
    middle = rng.normal(0.5, 0.01)
    hair_radii = rng.uniform(0.58, 0.8), rng.uniform(0.6, 0.9)
    picture.ellipse((middle, rng.uniform(0.2, 0.4)), hair_radii, skin * rng.uniform(0.15, 0.75))
    picture.line([(middle, 1), (middle, 1.3)], skin * rng.uniform(0.6, 1), rng.uniform(0.4, 0.8))
    centre, radii = (middle, rng.uniform(0.42, 0.5)), (rng.uniform(0.52, 0.66), 0.67)
    picture.ellipse(centre, radii, skin)
    mask.ellipse(centre, radii, 1)
    return picture.blurred(rng.uniform(0.004, 0.015)), mask.levels


def _texture(rng: Generator, size: int) -> Grey:
    """Draw pores, blotches and moles, relative to the skin's level."""
    fine, coarse = rng.uniform(0.006, 0.012), rng.uniform(0.015, 0.04)
    sketch = Sketch(size)
    sketch.levels += rng.uniform(0.006, 0.05) * _grain(rng, size, fine)
    sketch.levels += rng.uniform(0.003, 0.05) * _grain(rng, size, coarse)
    for _ in range(rng.poisson(4)):
        at, radii = rng.uniform((0.1, 0), (0.9, 1)), rng.uniform(0.004, 0.012, 2)
        sketch.ellipse((at[0], at[1]), (radii[0], radii[1]), rng.uniform(-0.4, -0.1))
    return sketch.levels


def _furrows(rng: Generator, size: int) -> Grey:
    """Draw eye sockets and folds: from nose to mouth, below the eyes, on the forehead."""
    sketch, uniform = Sketch(size), rng.uniform
    for side in SIDES:
        sketch.ellipse((0.5 + 0.235 * side, 0.28), (0.13, 0.07), uniform(-0.25, 0))
        if uniform() < 0.7:
            fold = [(0.5 + side * x, y) for x, y in ((0.09, 0.56), (0.15, 0.64), (0.19, 0.74))]
            sketch.line(fold, uniform(-0.25, 0), uniform(0.01, 0.02))
        if uniform() < 0.5:
            bag = [(0.5 + side * x, y) for x, y in ((0.14, 0.33), (0.23, 0.365), (0.32, 0.34))]
            sketch.line(bag, uniform(-0.2, 0), 0.012)
    if uniform() < 0.3:
        for height in rng.normal((0.02, 0.06), 0.01):
            sketch.line([(0.3, height), (0.7, height)], uniform(-0.1, 0), 0.01)
    return sketch.blurred(uniform(0.01, 0.025))


def _nose(rng: Generator, size: int) -> Grey:
    """Draw a lighter ridge and a darker flank."""
    sketch, uniform = Sketch(size), rng.uniform
    sketch.line([(0.5, 0.3), (0.5, 0.5)], uniform(0, 0.08), uniform(0.05, 0.08))
    sketch.ellipse((0.5, 0.52), (0.07, 0.05), uniform(0, 0.1))
    side = SIDES[int(rng.integers(2))]
    sketch.line([(0.5 + side * 0.06, 0.32), (0.5 + side * 0.08, 0.52)], uniform(-0.1, 0), 0.03)
    return sketch.blurred(0.025)


def _features(rng: Generator, size: int) -> Grey:
    """Draw brows, eyes, nostrils, mouth, and on some faces a beard."""
    sketch = Sketch(size)
    _draw_brows(rng, sketch)
    sketch.levels *= np.clip(1 + 0.4 * _grain(rng, size, 0.006), 0.2, 1.8)
    _draw_eyes(rng, sketch)
    for side in SIDES:
        nostril = 0.5 + side * rng.normal(0.045, 0.006), rng.normal(0.575, 0.01)
        sketch.ellipse(nostril, (0.022, 0.012), rng.uniform(-0.65, -0.2))
        wing = (-80, 80) if side > 0 else (100, 260)
        sketch.ellipse((0.5 + side * 0.085, 0.545), (0.03, 0.04), -0.12, wing, 0.01)
    _draw_mouth(rng, sketch)
    if rng.random() < 0.2:
        sketch.levels -= rng.uniform(0.1, 0.5) * _beard(rng, size)
    return sketch.blurred(rng.uniform(0.004, 0.01))


def _draw_brows(rng: Generator, sketch: Sketch) -> None:
    uniform = rng.uniform
    level, width, arch = uniform(-0.75, -0.15), uniform(0.02, 0.045), uniform(0, 0.03)
    height = rng.normal(0.155, 0.015)
    for side in SIDES:
        reach = ((uniform(0.08, 0.12), uniform(0, 0.02)), (0.2, -arch / 2), (0.28, -arch),
                 (uniform(0.34, 0.38), uniform(0, 0.03)))  # fmt: skip
        sketch.line([(0.5 + side * x, height + y) for x, y in reach], level, width)


def _draw_eyes(rng: Generator, sketch: Sketch) -> None:
    uniform = rng.uniform
    apart, height, gaze = rng.normal(0.235, 0.012), rng.normal(0.28, 0.012), rng.normal(0, 0.012)
    opening, white, iris = uniform(0.018, 0.034), uniform(0.05, 0.4), uniform(-0.8, -0.4)
    lid, lower = uniform(-0.75, -0.3), uniform(-0.35, 0)
    for side in SIDES:
        at = 0.5 + side * apart, height
        pupil = at[0] + gaze, height
        sketch.ellipse(at, (0.085, opening), white)
        sketch.ellipse(pupil, (0.036, min(0.036, opening)), iris)
        sketch.ellipse(pupil, (0.014, 0.014), -0.85)
        if uniform() < 0.6:
            sketch.ellipse((pupil[0] - 0.01, height - 0.01), (0.006, 0.006), 0.5)
        sketch.ellipse(at, (0.088, opening + 0.006), lid, (185, 355), 0.012)
        sketch.ellipse(at, (0.085, opening + 0.003), lower, (10, 170), 0.008)
        if uniform() < 0.6:
            crease = at[0], height - 0.01
            sketch.ellipse(crease, (0.095, opening + 0.03), uniform(-0.3, -0.05), (195, 345), 0.008)


def _draw_mouth(rng: Generator, sketch: Sketch) -> None:
    uniform = rng.uniform
    height, half, lips = rng.normal(0.755, 0.02), rng.normal(0.17, 0.015), uniform(-0.35, 0.05)
    upper, lower = (0.95 * half, uniform(0.02, 0.035)), (0.85 * half, uniform(0.03, 0.05))
    sketch.ellipse((0.5, height - 0.008), upper, lips, (180, 360))
    sketch.ellipse((0.5, height + 0.004), lower, lips * uniform(0.5, 1.1), (0, 180))
    left, right = height + rng.normal(0, 0.006, 2)
    line = [(0.5 - half, left), (0.44, height), (0.5, height + 0.006), (0.56, height),
            (0.5 + half, right)]  # fmt: skip
    sketch.line(line, uniform(-0.75, -0.25), uniform(0.008, 0.014))
    below = [(0.4, height + 0.09), (0.5, height + 0.08), (0.6, height + 0.09)]
    sketch.line(below, uniform(-0.25, 0), 0.015)


def _beard(rng: Generator, size: int) -> Grey:
    sketch = Sketch(size)
    sketch.ellipse((0.5, 0.93), (0.33, 0.22), 1)
    sketch.ellipse((0.5, 0.66), (0.2, 0.035), 1)
    sketch.levels *= np.clip(0.5 + 0.5 * _grain(rng, size, 0.008), 0, 1.5)
    return sketch.blurred(0.01)


def _grain(rng: Generator, size: int, width: float) -> Grey:
    """Draw smooth noise [size, size] of standard deviation 1; `width` is its grain size, in crops.

    Coarse noise is drawn small and enlarged, which takes a tenth of the time.
    """
    sigma = max(0.6, width * size / EXTENT)
    step = max(1, int(sigma / 3))
    small = rng.standard_normal((size // step + 2,) * 2, dtype=np.float32)
    smooth = cv2.GaussianBlur(small, (0, 0), sigma / step)
    noise = cv2.resize(smooth, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(noise / noise.std(), np.float32)
