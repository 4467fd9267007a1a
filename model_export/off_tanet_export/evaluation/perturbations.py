"""Faces that lie elsewhere in their crop than they should: does the answer depend on cropping?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Placement:
    """A face moved `right` and `down` (fractions of the crop), scaled, and turned (degrees)."""

    right: float = 0.0
    down: float = 0.0
    scale: float = 1.0
    turn: float = 0.0


EXTREMES: Mapping[str, tuple[Placement, ...]] = MappingProxyType(
    {
        "6% sideways": (Placement(right=-0.06), Placement(right=0.06)),
        "6% up": (Placement(down=-0.06),),
        "6% down": (Placement(down=0.06),),
        "8% smaller": (Placement(scale=0.92),),
        "8% larger": (Placement(scale=1.08),),
        "5 degrees": (Placement(turn=-5), Placement(turn=5)),
    }
)
"""The most by which a crop may miss, one thing at a time; both sides and both turns count alike."""


NEARBY: Sequence[Placement] = (
    *(Placement(right=right) for right in (-0.03, 0.03)),
    *(Placement(down=down) for down in (-0.03, 0.03)),
    *(Placement(scale=scale) for scale in (0.95, 1.05)),
    *(Placement(turn=turn) for turn in (-3, 3)),
)
"""By how much crops differ anyway: what learns from real maps sees them so, too."""


def displaced(maps: Maps, placement: Placement) -> Maps:
    """The scaled maps [N, 3, S, S] of faces that are so placed, each channel in 0..1 again.

    Places are turned, motions are not: a scaled map knows neither zero nor unit of u and v, so what
    a turn of 5 degrees mixes of one into the other (a twelfth) cannot be had from it.
    """
    size = maps.shape[-1]
    centre = (size - 1) / 2
    transform = np.array(
        cv2.getRotationMatrix2D((centre, centre), -placement.turn, placement.scale), np.float64
    )
    transform[:, 2] += size * np.array([placement.right, placement.down])
    moved = np.stack([_warped(one, transform) for one in maps])
    low, high = moved.min((2, 3), keepdims=True), moved.max((2, 3), keepdims=True)
    return np.asarray((moved - low) / np.maximum(high - low, 1e-6), np.float32)


def _warped(channels: Maps, transform: NDArray[np.float64]) -> Maps:
    size = channels.shape[-1]
    warped = cv2.warpAffine(
        channels.transpose(1, 2, 0), transform, (size, size), borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.float32).transpose(2, 0, 1)
