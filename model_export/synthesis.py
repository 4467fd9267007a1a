"""Facial action units as displacement fields, and synthetic motion made of them.

An action unit is one or more Gaussian bumps of displacement on the canonical crop (eye centres at
y 0.28, mouth corners at y 0.73). All lengths are fractions of the crop, x to the right, y down, so
a field can be made at any resolution. The anatomy is that of the Facial Action Coding System
(P. Ekman, W. Friesen, J. Hager, 2002).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""Displacement [2, S, S]: u to the right, v down."""


@dataclass(frozen=True, slots=True)
class Bump:
    """Displacement (du, dv) at (x, y), fading as a Gaussian of standard deviations (sx, sy)."""

    x: float
    y: float
    sx: float
    sy: float
    du: float
    dv: float

    def mirrored(self) -> Bump:
        return replace(self, x=1 - self.x, du=-self.du)


ACTION_UNITS: Mapping[str, tuple[Bump, ...]] = MappingProxyType(
    {
        "AU1": (Bump(0.38, 0.14, 0.09, 0.06, 0.0, -1.0),),  # inner brow raiser
        "AU2": (Bump(0.18, 0.16, 0.09, 0.06, 0.0, -1.0),),  # outer brow raiser
        "AU4": (Bump(0.33, 0.16, 0.12, 0.07, 0.5, 1.0),),  # brow lowerer
        "AU5": (Bump(0.28, 0.26, 0.09, 0.03, 0.0, -1.0),),  # upper lid raiser
        "AU6": (Bump(0.22, 0.45, 0.10, 0.08, 0.1, -0.8),),  # cheek raiser
        "AU7": (Bump(0.28, 0.33, 0.09, 0.03, 0.0, -0.8),),  # lid tightener
        "AU9": (  # nose wrinkler, which draws the brows along
            Bump(0.44, 0.42, 0.06, 0.08, 0.1, -0.9),
            Bump(0.38, 0.18, 0.10, 0.06, 0.3, 0.7),
        ),
        "AU10": (Bump(0.42, 0.64, 0.07, 0.05, 0.0, -1.0),),  # upper lip raiser
        "AU12": (  # lip corner puller, which lifts the cheek
            Bump(0.27, 0.70, 0.09, 0.09, -0.6, -0.9),
            Bump(0.22, 0.55, 0.10, 0.08, -0.1, -0.4),
        ),
        "AU14": (Bump(0.28, 0.74, 0.06, 0.05, 0.8, -0.1),),  # dimpler
        "AU15": (Bump(0.32, 0.80, 0.07, 0.06, -0.1, 1.0),),  # lip corner depressor
        "AU17": (Bump(0.50, 0.92, 0.10, 0.07, 0.0, -1.0),),  # chin raiser
        "AU20": (Bump(0.30, 0.76, 0.08, 0.05, -1.0, 0.1),),  # lip stretcher
        "AU24": (  # lip pressor: the lips meet
            Bump(0.45, 0.72, 0.08, 0.03, 0.0, 0.6),
            Bump(0.45, 0.80, 0.08, 0.03, 0.0, -0.6),
        ),
        "AU25": (Bump(0.45, 0.82, 0.10, 0.05, 0.0, 0.8),),  # lips part
        "AU26": (Bump(0.45, 0.90, 0.16, 0.10, 0.0, 1.0),),  # jaw drop
        "AU45": (Bump(0.28, 0.28, 0.09, 0.04, 0.0, 1.0),),  # blink
    }
)
"""The image's left half of each unit; the right half is its mirror image."""


def displacement(units: Mapping[str, float], size: int) -> Field:
    """The motion of a face that makes `units` (name -> intensity), as float32 [2, size, size].

    Intensity and result are fractions of the crop: 0.01 moves a unit's centre by about 0.01 of the
    crop's width, 1.12 px at 112 x 112. Both sides of the face move alike. The field is sampled at
    pixel centres, ((column + 0.5) / size, (row + 0.5) / size).

    Raises KeyError for an action unit that is not in `ACTION_UNITS`.
    """
    bumps = [
        scaled(side, intensity)
        for unit, intensity in units.items()
        for bump in ACTION_UNITS[unit]
        for side in (bump, bump.mirrored())
    ]
    return render(bumps, size)


def render(bumps: Iterable[Bump], size: int) -> Field:
    """The sum of `bumps` as float32 [2, size, size]."""
    table = np.array([(b.x, b.y, b.sx, b.sy, b.du, b.dv) for b in bumps]).reshape(-1, 6)
    x, y, sx, sy, du, dv = table.T[:, :, None]
    centres = (np.arange(size) + 0.5) / size
    across = np.exp(-0.5 * ((centres - x) / sx) ** 2)
    down = np.exp(-0.5 * ((centres - y) / sy) ** 2)
    u, v = (down * du).T @ across, (down * dv).T @ across
    return np.stack([u, v]).astype(np.float32)


Mix = tuple[tuple[str, ...], float]
"""Action units that act together, and how often relative to the class's other mixes."""

NEGATIVE: tuple[Mix, ...] = (
    (("AU4",), 5), (("AU4", "AU7"), 3), (("AU14",), 2), (("AU1", "AU4"), 1), (("AU4", "AU9"), 1),
    (("AU15",), 1), (("AU10",), 1), (("AU17",), 1), (("AU4", "AU15"), 1), (("AU7",), 1),
    (("AU4", "AU45"), 0.7), (("AU24",), 0.7), (("AU15", "AU17"), 0.7), (("AU20",), 0.5),
    (("AU4", "AU14"), 0.5),
)  # fmt: skip
POSITIVE: tuple[Mix, ...] = (
    (("AU12",), 5), (("AU6", "AU12"), 4), (("AU6", "AU7", "AU12"), 1), (("AU12", "AU25"), 0.5),
    (("AU12", "AU14"), 0.3),
)  # fmt: skip
SURPRISE: tuple[Mix, ...] = (
    (("AU1", "AU2"), 5), (("AU1", "AU2", "AU5"), 4), (("AU1", "AU2", "AU25"), 1),
    (("AU1", "AU2", "AU26"), 1), (("AU2",), 0.7), (("AU5",), 0.7), (("AU1",), 0.5),
    (("AU5", "AU26"), 0.3),
)  # fmt: skip
MIXES = (NEGATIVE, POSITIVE, SURPRISE)
"""In the order of the classes."""


@dataclass(frozen=True, slots=True)
class Nuisances:
    """How much everything varies that is no class. Lengths are fractions of the crop.

    `position` moves a bump, `width` (log-normal) widens it, `direction` turns it, `intensity`
    (log-normal) strengthens a unit. `one_sided` is the chance that one side stays still, `side`
    the log-normal difference of the sides otherwise. `second` is the chance of a weak further
    unit of the same class, `blink` that of a blink. `turn`, `scale` and `shift` displace the face
    in its crop. `head` is the strength of affine head motion and `noise` that of smooth flow
    noise, both against a unit of strength 1.
    """

    position: float = 0.03
    width: float = 0.25
    direction: float = 0.15
    intensity: float = 0.35
    one_sided: float = 0.15
    side: float = 0.2
    second: float = 0.3
    blink: float = 0.25
    turn: float = 0.05
    scale: float = 0.05
    shift: float = 0.02
    head: float = 0.35
    noise: float = 0.12


class Synthesis:
    """Draws the flow of faces that express a class; equal seeds draw equal flows."""

    def __init__(self, seed: int, size: int = 28, nuisances: Nuisances | None = None) -> None:
        self.rng = np.random.default_rng(seed)
        self.size = size
        self.nuisances = nuisances or Nuisances()

    def batch(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """One flow for each label: float32 [N, 2, size, size], of arbitrary unit."""
        return np.stack([self.flow(int(label)) for label in labels])

    def flow(self, label: int) -> Field:
        """The flow [2, size, size] of one face that makes the expression `label`."""
        bumps = self.placed([bump for unit in self.units(label) for bump in self.sides(*unit)])
        return render(bumps, self.size) + self.head() + self.noise()

    def units(self, label: int) -> list[tuple[str, float]]:
        """The action units of one expression and their strengths."""
        mixes = MIXES[label]
        chosen = [(unit, 1.0) for unit in self.mix(mixes)]
        if self.rng.random() < self.nuisances.second:
            strength = self.rng.uniform(0.2, 0.6)
            chosen += [(unit, strength) for unit in self.mix(mixes)]
        if self.rng.random() < self.nuisances.blink:
            chosen.append(("AU45", self.rng.uniform(-1.0, 1.0)))
        return [
            (unit, strength * self.lognormal(self.nuisances.intensity)) for unit, strength in chosen
        ]

    def mix(self, mixes: tuple[Mix, ...]) -> tuple[str, ...]:
        weights = np.array([weight for _, weight in mixes])
        return mixes[self.rng.choice(len(mixes), p=weights / weights.sum())][0]

    def sides(self, unit: str, strength: float) -> list[Bump]:
        """Both halves of one unit, no two faces' alike."""
        left, right = strength, strength * self.lognormal(self.nuisances.side)
        if self.rng.random() < self.nuisances.one_sided:
            left, right = (left, 0.0) if self.rng.random() < 0.5 else (0.0, left)
        bumps = []
        for bump in ACTION_UNITS[unit]:
            varied = self.varied(bump)
            bumps += [scaled(varied, left), scaled(varied.mirrored(), right)]
        return bumps

    def varied(self, bump: Bump) -> Bump:
        """A bump elsewhere, wider or narrower, and turned."""
        n, normal = self.nuisances, self.rng.normal
        return Bump(
            bump.x + normal(0, n.position),
            bump.y + normal(0, n.position),
            bump.sx * self.lognormal(n.width),
            bump.sy * self.lognormal(n.width),
            bump.du + normal(0, n.direction),
            bump.dv + normal(0, n.direction),
        )

    def placed(self, bumps: list[Bump]) -> list[Bump]:
        """The bumps of a face that sits a little turned, scaled and shifted in its crop."""
        n = self.nuisances
        scale, angle = self.lognormal(n.scale), self.rng.normal(0, n.turn)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        right, down = 0.5 + self.rng.normal(0, n.shift, 2)
        return [
            Bump(
                right + cos * (b.x - 0.5) - sin * (b.y - 0.5),
                down + sin * (b.x - 0.5) + cos * (b.y - 0.5),
                scale * b.sx,
                scale * b.sy,
                cos * b.du - sin * b.dv,
                sin * b.du + cos * b.dv,
            )
            for b in bumps
        ]

    def head(self) -> Field:
        """The affine flow [2, S, S] of a head that moves between onset and apex."""
        strength = abs(float(self.rng.normal(0, self.nuisances.head)))
        shift, linear = self.rng.normal(size=2), self.rng.normal(size=(2, 2))
        centres = (np.arange(self.size) + 0.5) / self.size - 0.5
        x, y = np.meshgrid(centres, centres)
        field: Field = shift[:, None, None] + np.einsum("ij,jyx->iyx", linear, np.stack([x, y]))
        return (strength * field).astype(np.float32)

    def noise(self) -> Field:
        """Smooth flow [2, S, S] that means nothing."""
        strength = abs(float(self.rng.normal(0, self.nuisances.noise)))
        sigma = self.size * self.rng.uniform(0.03, 0.12)
        white = self.rng.normal(size=(self.size, self.size, 2))
        smooth = cv2.GaussianBlur(white, (0, 0), sigma).transpose(2, 0, 1).astype(np.float32)
        return smooth * (strength / float(smooth.std()))

    def lognormal(self, sigma: float) -> float:
        return float(np.exp(self.rng.normal(0, sigma)))


def scaled(bump: Bump, strength: float) -> Bump:
    """The bump with its displacement times `strength`."""
    return replace(bump, du=strength * bump.du, dv=strength * bump.dv)
