"""Synthetic motion: faces that express a class, and everything that varies beside.

What a camera and TV-L1 make of a face is not the field that its muscles make. The nuisances stand
for that: their sizes were tuned against real flow maps, on which nothing was trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet_export.synthesis.action_units import (
    ACTION_UNITS,
    MIXES,
    ExpressionInterval,
    Field,
    Mix,
    centres,
    render,
    scaled,
)


@dataclass(frozen=True, slots=True)
class Nuisances:
    """How much everything varies that is no class. Lengths are fractions of the crop.

    `position` moves a bump, `width` (log-normal) widens it, `direction` turns it, `intensity`
    (log-normal) strengthens a unit. `one_sided` is the chance that one side stays still, `side`
    the log-normal difference of the sides otherwise. `second` is the chance of a weak further
    unit of the same class, `foreign` that of a weaker one of any class. `blink` is the chance that
    the lids move, by up to `blink_strength` either way. `ragged` bends the field and `patchy`
    (log-normal) weakens it here and there, as flow follows the skin's texture. `head`, `noise` and
    `steps` are the strengths of affine head motion, of smooth false flow and of false flow in
    steps, all against a unit of strength 1.
    """

    position: float = 0.03
    width: float = 0.25
    direction: float = 0.15
    intensity: float = 0.35
    one_sided: float = 0.15
    side: float = 0.2
    second: float = 0.3
    foreign: float = 0.6
    blink: float = 0.25
    blink_strength: float = 4.0
    ragged: float = 0.04
    patchy: float = 1.5
    head: float = 0.5
    noise: float = 0.2
    steps: float = 0.35


class Synthesis:
    """Draws the flow of faces that express a class; equal seeds draw equal flows.

    A flow is [2, S, S], S = `size` + 2 `margin`: the crop, and the margin around it.
    """

    def __init__(
        self, seed: int, size: int = 28, nuisances: Nuisances | None = None, margin: int = 0
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.size = size
        self.margin = margin
        self.nuisances = nuisances or Nuisances()

    def batch(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """One flow for each label: float32 [N, 2, S, S], of arbitrary unit."""
        return np.stack([self.flow(int(label)) for label in labels])

    def flow(self, label: int) -> Field:
        """The flow [2, S, S] of one face that makes the expression `label`."""
        return self.patchy(self.muscles(label)) + self.head() + self.noise() + self.steps()

    def muscles(self, label: int, *others: ExpressionInterval) -> Field:
        """What the expression alone moves, and `others`: [2, S, S], a unit's strength being 1."""
        bumps = [bump for unit in self.units(label) for bump in self.sides(*unit)]
        return self.ragged(render([*bumps, *others], self.size, self.margin))

    def units(self, label: int) -> list[tuple[str, float]]:
        """The action units of one expression and their strengths."""
        mixes = MIXES[label]
        chosen = [(unit, 1.0) for unit in self.mix(mixes)]
        if self.rng.random() < self.nuisances.second:
            strength = self.rng.uniform(0.2, 0.6)
            chosen += [(unit, strength) for unit in self.mix(mixes)]
        if self.rng.random() < self.nuisances.foreign:
            strength = self.rng.uniform(0, 0.35)
            chosen += [(unit, strength) for unit in self.mix(MIXES[self.rng.integers(len(MIXES))])]
        if self.rng.random() < self.nuisances.blink:
            chosen.append(("AU45", self.nuisances.blink_strength * self.rng.uniform(-1, 1)))
        return [
            (unit, strength * self.lognormal(self.nuisances.intensity)) for unit, strength in chosen
        ]

    def mix(self, mixes: tuple[Mix, ...]) -> tuple[str, ...]:
        weights = np.array([weight for _, weight in mixes])
        return mixes[self.rng.choice(len(mixes), p=weights / weights.sum())][0]

    def sides(self, unit: str, strength: float) -> list[ExpressionInterval]:
        """Both halves of one unit, no two faces' alike."""
        left, right = strength, strength * self.lognormal(self.nuisances.side)
        if self.rng.random() < self.nuisances.one_sided:
            left, right = (left, 0.0) if self.rng.random() < 0.5 else (0.0, left)
        bumps = []
        for bump in ACTION_UNITS[unit]:
            varied = self.varied(bump)
            bumps += [scaled(varied, left), scaled(varied.mirrored(), right)]
        return bumps

    def varied(self, bump: ExpressionInterval) -> ExpressionInterval:
        """A bump elsewhere, wider or narrower, and turned."""
        n, normal = self.nuisances, self.rng.normal
        return ExpressionInterval(
            bump.x + normal(0, n.position),
            bump.y + normal(0, n.position),
            bump.sx * self.lognormal(n.width),
            bump.sy * self.lognormal(n.width),
            bump.du + normal(0, n.direction),
            bump.dv + normal(0, n.direction),
        )

    def head(self) -> Field:
        """The affine flow [2, S, S] of a head that moves between onset and apex."""
        strength = abs(float(self.rng.normal(0, self.nuisances.head)))
        shift, linear = self.rng.normal(size=2), self.rng.normal(size=(2, 2))
        x, y = np.meshgrid(*[centres(self.size, self.margin) - 0.5] * 2)
        field: Field = shift[:, None, None] + np.einsum("ij,jyx->iyx", linear, np.stack([x, y]))
        return (strength * field).astype(np.float32)

    def noise(self) -> Field:
        """Smooth flow [2, S, S] that means nothing."""
        strength = abs(float(self.rng.normal(0, self.nuisances.noise)))
        return strength * self.smooth(2, 0.03, 0.12)

    def steps(self) -> Field:
        """False flow [2, S, S] that is constant in places and jumps between: TV-L1's staircase."""
        strength = abs(float(self.rng.normal(0, self.nuisances.steps)))
        height = 1 / float(self.rng.uniform(0.7, 2.2))
        return strength * height * (self.smooth(2, 0.05, 0.12) / height).round()

    def ragged(self, field: Field) -> Field:
        """The field [2, S, S] looked up a little beside each place."""
        reach = self.size * float(self.rng.uniform(0, self.nuisances.ragged))
        across, down = reach * self.smooth(2, 0.04, 0.12)
        columns, rows = np.meshgrid(*[np.arange(field.shape[-1], dtype=np.float32)] * 2)
        x, y = columns + across, rows + down
        border = cv2.BORDER_REPLICATE
        u, v = (cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=border) for part in field)
        return np.stack([u, v]).astype(np.float32)

    def patchy(self, field: Field) -> Field:
        """The field [2, S, S], stronger and weaker from place to place."""
        strength = float(self.rng.uniform(0, self.nuisances.patchy))
        gain: Field = np.exp(strength * self.smooth(1, 0.03, 0.10))
        return field * gain

    def smooth(self, channels: int, finest: float, coarsest: float) -> Field:
        """Smooth noise [C, S, S] of deviation 1 and of a random grain, in fractions of the crop."""
        sigma = self.size * self.rng.uniform(finest, coarsest)
        side = self.size + 2 * self.margin
        white = self.rng.normal(size=(side, side, channels))
        blurred = cv2.GaussianBlur(white, (0, 0), sigma).astype(np.float32)
        field = blurred.reshape(side, side, channels).transpose(2, 0, 1)
        return field / float(field.std())

    def lognormal(self, sigma: float) -> float:
        return float(np.exp(self.rng.normal(0, sigma)))
