"""Pictures in motion: warping along a displacement, sensor noise, whole levels and JPEG."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.types import Pixels

Floats = NDArray[np.float32]
"""A picture [H, W] or [H, W, 3] in grey levels, or a displacement [2, H, W] in its pixels."""

NOISE = 1.2
"""Standard deviation of the sensor noise, in grey levels."""


def warp(
    picture: Floats,
    motion: Floats,
    *,
    iterations: int = 10,
    motion_border: int = cv2.BORDER_CONSTANT,
) -> Floats:
    """Move a picture forward along a motion: what was at p is at p + motion(p).

    Each pixel p of the result shows the point q with q + motion(q) = p. Fixed-point iteration finds
    q, because a motion differs by much less than a pixel between neighbouring pixels.

    Args:
        picture: [H, W] or [H, W, 3]; its border is replicated.
        motion: [2, H, W], u right and v down, in pixels.
        iterations: The number of fixed-point steps.
        motion_border: OpenCV's border mode for the motion: zero by default.

    Returns:
        The moved picture, of the same shape.
    """
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    x, y = columns, rows
    for _ in range(iterations):
        u, v = (sample(part, x, y, border=motion_border) for part in motion)
        x, y = columns - u, rows - v
    return sample(picture, x, y, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)


def sample(
    values: Floats,
    x: Floats,
    y: Floats,
    interpolation: int = cv2.INTER_LINEAR,
    border: int = cv2.BORDER_CONSTANT,
) -> Floats:
    """Interpolate values [H, W] or [H, W, 3] at the positions x and y, in pixels."""
    return np.asarray(cv2.remap(values, x, y, interpolation, borderMode=border), np.float32)


def shoot(picture: Floats, rng: np.random.Generator | None = None, gain: float = 1.0) -> Pixels:
    """Photograph a picture: multiply by a gain, add sensor noise and round to whole levels.

    Args:
        picture: [H, W, 3].
        rng: Draws the noise; without it there is none.
        gain: The factor of the exposure.
    """
    noise = 0.0 if rng is None else rng.normal(0, NOISE, picture.shape)
    return to_levels(gain * picture + noise)


def to_levels(picture: NDArray[np.floating]) -> Pixels:
    """Round a picture to whole levels 0..255."""
    levels: Pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return levels


def compress(pixels: Pixels, quality: int) -> Pixels:
    """Encode a picture [H, W] or [H, W, 3] as JPEG of a quality (0..100), and decode it."""
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)
