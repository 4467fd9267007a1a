"""Perturbations of the crop: how do scores change if the face is displaced in its crop?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A displacement of the face in its crop.

    Attributes:
        right: Shift to the right, as a fraction of the crop.
        down: Shift downward, as a fraction of the crop.
        scale: Factor of the face's size.
        turn: Clockwise rotation, in degrees.
    """

    right: float = 0.0
    down: float = 0.0
    scale: float = 1.0
    turn: float = 0.0


EXTREMES: Mapping[str, tuple[Perturbation, ...]] = MappingProxyType(
    {
        "6% sideways": (Perturbation(right=-0.06), Perturbation(right=0.06)),
        "6% up": (Perturbation(down=-0.06),),
        "6% down": (Perturbation(down=0.06),),
        "8% smaller": (Perturbation(scale=0.92),),
        "8% larger": (Perturbation(scale=1.08),),
        "5 degrees": (Perturbation(turn=-5), Perturbation(turn=5)),
    }
)
"""The largest expected errors of a crop, one kind at a time, with both directions averaged."""


NEARBY: Sequence[Perturbation] = (
    *(Perturbation(right=right) for right in (-0.03, 0.03)),
    *(Perturbation(down=down) for down in (-0.03, 0.03)),
    *(Perturbation(scale=scale) for scale in (0.95, 1.05)),
    *(Perturbation(turn=turn) for turn in (-3, 3)),
)
"""Ordinary differences between crops, used as augmentation in fine-tuning."""


def perturb(maps: Maps, perturbation: Perturbation) -> Maps:
    """Displace the faces of scaled maps, and scale each channel to 0..1 again.

    Positions are rotated, motions are not: a scaled map has neither zero nor unit of u and v, so
    what a rotation by 5 degrees mixes of one into the other (a twelfth) cannot be computed.

    Args:
        maps: [N, 3, S, S], each channel in 0..1.
        perturbation: The displacement.

    Returns:
        Maps of the same shape.
    """
    size = maps.shape[-1]
    centre = (size - 1) / 2
    transform = np.array(
        cv2.getRotationMatrix2D((centre, centre), -perturbation.turn, perturbation.scale),
        np.float64,
    )
    transform[:, 2] += size * np.array([perturbation.right, perturbation.down])
    moved = np.stack([_warp(channels, transform) for channels in maps])
    low, high = moved.min((2, 3), keepdims=True), moved.max((2, 3), keepdims=True)
    return np.asarray((moved - low) / np.maximum(high - low, 1e-6), np.float32)


def _warp(channels: Maps, transform: NDArray[np.float64]) -> Maps:
    size = channels.shape[-1]
    warped = cv2.warpAffine(
        channels.transpose(1, 2, 0), transform, (size, size), borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.float32).transpose(2, 0, 1)
