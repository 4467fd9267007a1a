"""The portrait's face in the canonical crop, and flows that move it as action units do.

Crops are uint8 [112, 112], flows float32 [2, 112, 112] in pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CROP_SIZE, Crop, Flow

from tests.support import factories

Expression = Callable[[float], Flow]
"""Maps the largest displacement, in pixels, to the flow."""


def face_crop(flow: Flow | None = None, noise: float = 0.0, seed: int = 0) -> Crop:
    """The portrait's face in the canonical crop, [112, 112] grey, moved along `flow`.

    The portrait is sampled once, at the places of the inverse flow, which a few fixed-point steps
    find for smooth flows; what moves in from outside of the crop is the portrait's. `noise` is the
    standard deviation of Gaussian noise in grey levels.
    """
    y, x = np.mgrid[:CROP_SIZE, :CROP_SIZE].astype(np.float32)
    forth = np.zeros((2, CROP_SIZE, CROP_SIZE), np.float32) if flow is None else flow
    back = forth
    for _ in range(3):
        back = np.stack([_sampled(part, x - back[0], y - back[1]) for part in forth])
    crop = portrait_at(x - back[0], y - back[1])
    grain = np.random.default_rng(seed).normal(0, noise, crop.shape) if noise else 0.0
    return np.asarray(np.clip(np.rint(crop + grain), 0, 255), np.uint8)


def portrait_at(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """The portrait's grey levels at places of its canonical crop, in that crop's pixels."""
    places = np.stack([x, y, np.ones_like(x)])
    source_x, source_y = np.tensordot(_crop_to_portrait(), places, 1).astype(np.float32)
    return _sampled(_grey_portrait(), source_x, source_y, cv2.INTER_CUBIC)


@cache
def _grey_portrait() -> NDArray[np.float32]:
    return factories.grey(factories.portrait()).astype(np.float32)


def _crop_to_portrait() -> NDArray[np.float64]:
    """From a crop's pixels to the portrait's, [2, 3]: eyes and mouth were read from the image."""
    eyes_and_mouth = np.array([[202.6, 100.7], [246.3, 102.9], [224, 143.2]], np.float32)
    canonical = np.array([[0.27, 0.28], [0.73, 0.28], [0.5, 0.73]], np.float32) * CROP_SIZE
    return np.asarray(cv2.getAffineTransform(canonical, eyes_and_mouth), np.float64)


def _sampled(
    values: NDArray[np.float32],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    how: int = cv2.INTER_LINEAR,
) -> NDArray[np.float32]:
    sampled = cv2.remap(values, x, y, how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32)


def grid() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y of each crop pixel, as fractions of the crop, each [112, 112]."""
    y, x = np.mgrid[:CROP_SIZE, :CROP_SIZE].astype(np.float32)
    return (x + 0.5) / CROP_SIZE, (y + 0.5) / CROP_SIZE


def bump(x: float, y: float, sx: float, sy: float, du: float, dv: float) -> Flow:
    """A Gaussian bump of (du, dv) pixels; its place and widths are fractions of the crop."""
    across, down = grid()
    weight = np.exp(-0.5 * (((across - x) / sx) ** 2 + ((down - y) / sy) ** 2))
    return np.stack([du * weight, dv * weight]).astype(np.float32)


def smile(px: float) -> Flow:
    """Both lip corners pulled up and out (action unit 12) by at most `px` pixels."""
    part = px / float(np.hypot(0.6, 0.9))
    left = bump(0.27, 0.70, 0.09, 0.09, -0.6 * part, -0.9 * part)
    return left + bump(0.73, 0.70, 0.09, 0.09, 0.6 * part, -0.9 * part)


def raised_brows(px: float) -> Flow:
    """Both brows raised (action units 1 + 2) by at most `px` pixels."""
    return bump(0.27, 0.15, 0.14, 0.06, 0, -px) + bump(0.73, 0.15, 0.14, 0.06, 0, -px)


def blink(px: float) -> Flow:
    """Both upper lids lowered (action unit 45) by at most `px` pixels."""
    return bump(0.28, 0.28, 0.09, 0.04, 0, px) + bump(0.72, 0.28, 0.09, 0.04, 0, px)


def affine_flow(matrix: NDArray[np.float64]) -> Flow:
    """The flow of an affine motion: `matrix` [2, 3] maps (x, y, 1) to (u, v).

    x and y are fractions of the crop from its centre, u and v pixels.
    """
    across, down = grid()
    places = np.stack([across - 0.5, down - 0.5, np.ones_like(across)])
    return np.tensordot(matrix, places, 1).astype(np.float32)
