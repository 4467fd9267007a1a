"""Facial action units as displacement fields, and the units that act together in each class.

An action unit is one or more Gaussian bumps of displacement on the canonical crop (eye centres at
y 0.28, mouth corners at y 0.73). All lengths are fractions of the crop, x to the right, y down, so
a field can be rendered at any resolution. The anatomy is that of the Facial Action Coding System
(P. Ekman, W. Friesen, J. Hager, 2002).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""Displacement [2, S, S]: u to the right, v down."""


@dataclass(frozen=True, slots=True)
class GaussianBump:
    """Displacement (du, dv) at (x, y) that decays as a Gaussian of standard deviations (sx, sy)."""

    x: float
    y: float
    sx: float
    sy: float
    du: float
    dv: float

    def mirrored(self) -> GaussianBump:
        """Return the bump on the other half of the face."""
        return replace(self, x=1 - self.x, du=-self.du)


ACTION_UNITS: Mapping[str, tuple[GaussianBump, ...]] = MappingProxyType(
    {
        "AU1": (GaussianBump(0.37, 0.12, 0.10, 0.08, 0.0, -1.0),),  # inner brow raiser
        "AU2": (GaussianBump(0.17, 0.14, 0.10, 0.08, 0.0, -1.0),),  # outer brow raiser
        "AU4": (GaussianBump(0.30, 0.12, 0.14, 0.08, 0.5, 1.0),),  # brow lowerer
        "AU5": (GaussianBump(0.28, 0.26, 0.09, 0.03, 0.0, -1.0),),  # upper lid raiser
        "AU6": (GaussianBump(0.22, 0.45, 0.10, 0.08, 0.1, -0.8),),  # cheek raiser
        "AU7": (GaussianBump(0.28, 0.33, 0.09, 0.03, 0.0, -0.8),),  # lid tightener
        "AU9": (  # nose wrinkler, which draws the brows along
            GaussianBump(0.44, 0.42, 0.06, 0.08, 0.1, -0.9),
            GaussianBump(0.38, 0.18, 0.10, 0.06, 0.3, 0.7),
        ),
        "AU10": (GaussianBump(0.42, 0.64, 0.07, 0.05, 0.0, -1.0),),  # upper lip raiser
        "AU12": (  # lip corner puller: along the fold, and the cheek with it
            GaussianBump(0.30, 0.71, 0.08, 0.07, -0.4, -0.9),
            GaussianBump(0.22, 0.58, 0.08, 0.09, -0.6, -0.6),
        ),
        "AU14": (GaussianBump(0.28, 0.74, 0.06, 0.05, 0.6, -0.3),),  # dimpler
        "AU15": (GaussianBump(0.32, 0.80, 0.07, 0.06, -0.1, 1.0),),  # lip corner depressor
        "AU17": (GaussianBump(0.50, 0.89, 0.12, 0.06, 0.0, -1.0),),  # chin raiser
        "AU20": (GaussianBump(0.30, 0.76, 0.08, 0.05, -1.0, 0.1),),  # lip stretcher
        "AU24": (  # lip pressor: the lips meet
            GaussianBump(0.45, 0.72, 0.08, 0.03, 0.0, 0.6),
            GaussianBump(0.45, 0.80, 0.08, 0.03, 0.0, -0.6),
        ),
        "AU25": (GaussianBump(0.45, 0.82, 0.10, 0.05, 0.0, 0.8),),  # lips part
        "AU26": (GaussianBump(0.45, 0.90, 0.16, 0.10, 0.0, 1.0),),  # jaw drop
        "AU45": (GaussianBump(0.28, 0.28, 0.09, 0.04, 0.0, 1.0),),  # blink
    }
)
"""Each unit on the left half of the image; its right half is the mirror image."""

SECONDARY_UNITS: Mapping[str, tuple[GaussianBump, ...]] = MappingProxyType(
    {
        "AU16": (GaussianBump(0.43, 0.84, 0.08, 0.04, -0.1, 0.9),),  # lower lip depressor
        "AU18": (  # lip pucker: the corners come together, the lips protrude
            GaussianBump(0.33, 0.745, 0.07, 0.06, 1.0, 0.0),
        ),
        "AU23": (  # lip tightener: the lips narrow
            GaussianBump(0.44, 0.72, 0.09, 0.025, 0.2, 0.5),
            GaussianBump(0.44, 0.80, 0.09, 0.03, 0.2, -0.6),
        ),
        "AU27": (GaussianBump(0.45, 0.92, 0.18, 0.12, 0.0, 1.0),),  # mouth stretch
        "AU38": (GaussianBump(0.44, 0.56, 0.05, 0.04, -0.8, -0.2),),  # nostril dilator
    }
)
"""Units that are coded rarely, or together with others; only `footage` draws them."""

ALL_UNITS: Mapping[str, tuple[GaussianBump, ...]] = MappingProxyType(
    {**ACTION_UNITS, **SECONDARY_UNITS}
)


def displacement(units: Mapping[str, float], size: int) -> Field:
    """Compute the motion of a face that shows action units, equal on both of its halves.

    Where the halves overlap, as at the chin, they add up. The field is sampled at pixel centres:
    ((column + 0.5) / size, (row + 0.5) / size).

    Args:
        units: Names of action units and their intensities, as fractions of the crop: 0.01 moves a
            unit's centre by about 0.01 of the crop's width, 1.12 px at 112 x 112.
        size: The side of the result, in pixels.

    Returns:
        Displacement float32 [2, size, size], in fractions of the crop.

    Raises:
        KeyError: A unit is not in `ACTION_UNITS`.
    """
    bumps = [
        scaled(bump, intensity)
        for unit, intensity in units.items()
        for half in ACTION_UNITS[unit]
        for bump in (half, half.mirrored())
    ]
    return render(bumps, size)


def render(bumps: Iterable[GaussianBump], size: int, margin: int = 0) -> Field:
    """Compute the sum of bumps as a displacement [2, S, S], S = size + 2 margin.

    Args:
        bumps: Bumps on the crop.
        size: The side of the crop, in pixels.
        margin: Pixels beyond the crop on each side.
    """
    table = np.array([(b.x, b.y, b.sx, b.sy, b.du, b.dv) for b in bumps]).reshape(-1, 6)
    x, y, sx, sy, du, dv = table.T[:, :, None]
    places = pixel_centres(size, margin)
    across = np.exp(-0.5 * ((places - x) / sx) ** 2)
    down = np.exp(-0.5 * ((places - y) / sy) ** 2)
    u, v = (down * du).T @ across, (down * dv).T @ across
    return np.stack([u, v]).astype(np.float32)


def pixel_centres(size: int, margin: int = 0) -> NDArray[np.float64]:
    """Return pixel centres [size + 2 margin] along one axis, in fractions of the crop."""
    return np.asarray((np.arange(-margin, size + margin) + 0.5) / size, np.float64)


def scaled(bump: GaussianBump, strength: float) -> GaussianBump:
    """Return the bump with its displacement multiplied by `strength`."""
    return replace(bump, du=strength * bump.du, dv=strength * bump.dv)


Mix = tuple[tuple[str, ...], float]
"""Action units that act together, and their frequency relative to the class's other mixes."""

NEGATIVE: tuple[Mix, ...] = (
    (("AU4",), 5), (("AU4", "AU7"), 3), (("AU14",), 1.5), (("AU1", "AU4"), 1),
    (("AU4", "AU9"), 1), (("AU15",), 1), (("AU10",), 1), (("AU17",), 1.5), (("AU4", "AU15"), 0.7),
    (("AU7",), 1), (("AU4", "AU45"), 1), (("AU24",), 1), (("AU15", "AU17"), 0.7),
    (("AU20",), 0.7), (("AU4", "AU14"), 0.5), (("AU4", "AU17"), 0.7), (("AU10", "AU17"), 0.5),
    (("AU9", "AU10"), 0.5),
)  # fmt: skip
POSITIVE: tuple[Mix, ...] = (
    (("AU12",), 5), (("AU6", "AU12"), 4), (("AU6", "AU7", "AU12"), 1), (("AU12", "AU25"), 0.5),
    (("AU6",), 0.7), (("AU12", "AU45"), 0.7),
)  # fmt: skip
SURPRISE: tuple[Mix, ...] = (
    (("AU1", "AU2"), 5), (("AU1", "AU2", "AU5"), 4), (("AU1", "AU2", "AU25"), 1),
    (("AU1", "AU2", "AU26"), 1), (("AU2",), 0.7), (("AU5",), 1), (("AU1",), 0.5),
    (("AU5", "AU26"), 0.3), (("AU25", "AU26"), 0.4),
)  # fmt: skip
MIXES = (NEGATIVE, POSITIVE, SURPRISE)
"""The mixes of each class, in the order of the classes."""
