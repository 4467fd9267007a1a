"""Synthetic motion fields: expressions of a class, and nuisances.

The flow that TV-L1 measures on a video differs from the field that the muscles produce. The
nuisances represent this difference. Their sizes were tuned on real flow maps, on which nothing was
trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet_export.synthesis.action_units import (
    ALL_UNITS,
    MIXES,
    Field,
    GaussianBump,
    Mix,
    pixel_centres,
    render,
    scaled,
)


@dataclass(frozen=True, slots=True)
class Nuisances:
    """The sizes of all variation that does not depend on the class.

    Lengths are fractions of the crop. Log-normal values are the standard deviation of the
    logarithm.

    Attributes:
        position: Standard deviation of a bump's position.
        width: Log-normal variation of a bump's width.
        direction: Standard deviation of each component of a bump's displacement.
        intensity: Log-normal variation of a unit's strength.
        one_sided: Probability that one side of the face does not move.
        side: Log-normal difference between the sides otherwise.
        second: Probability of a second, weak mix of units of the same class.
        foreign: Probability of a weaker mix of units of any class.
        blink: Probability that the eyelids move.
        blink_strength: Largest strength of that motion, in both directions.
        ragged: Largest standard deviation of the errors of positions in the field, as flow follows
            the skin's texture.
        patchy: Largest log-normal variation of the field's strength between positions.
        head: Strength of affine head motion, relative to a unit of strength 1.
        noise: Strength of smooth false flow, relative to a unit of strength 1.
        steps: Strength of piecewise constant false flow, relative to a unit of strength 1.
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
    """Draws flows of faces that show an expression. Equal seeds draw equal flows.

    A flow is [2, S, S], S = size + 2 margin.

    Args:
        seed: Seed of all draws.
        size: The side of the crop, in pixels.
        nuisances: Sizes of the variation; the default is that of training.
        margin: Pixels beyond the crop on each side.
    """

    def __init__(
        self,
        seed: int | tuple[int, ...],
        size: int = 28,
        nuisances: Nuisances | None = None,
        margin: int = 0,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.size = size
        self.margin = margin
        self.nuisances = nuisances or Nuisances()

    def batch(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Draw one flow for each label: float32 [N, 2, S, S], without a unit."""
        return np.stack([self.flow(int(label)) for label in labels])

    def flow(self, label: int) -> Field:
        """Draw the flow [2, S, S] of one face with an expression of the class `label`."""
        return self._patchy(self.muscles(label)) + self._head() + self._noise() + self._steps()

    def muscles(self, label: int, *others: GaussianBump) -> Field:
        """Draw the motion [2, S, S] of an expression, where a unit has strength 1.

        Args:
            label: The class's index.
            others: Further bumps that move with it.
        """
        bumps = [bump for unit in self._units(label) for bump in self.sides(*unit)]
        return self.ragged(render([*bumps, *others], self.size, self.margin))

    def _units(self, label: int) -> list[tuple[str, float]]:
        """Draw the action units of one expression and their strengths."""
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
        """Draw the action units of one of a class's mixes, by their frequencies."""
        weights = np.array([weight for _, weight in mixes])
        return mixes[self.rng.choice(len(mixes), p=weights / weights.sum())][0]

    def sides(self, unit: str, strength: float) -> list[GaussianBump]:
        """Draw the bumps of one unit on both sides of the face."""
        left, right = strength, strength * self.lognormal(self.nuisances.side)
        if self.rng.random() < self.nuisances.one_sided:
            left, right = (left, 0.0) if self.rng.random() < 0.5 else (0.0, left)
        bumps = []
        for bump in ALL_UNITS[unit]:
            varied = self.varied(bump)
            bumps += [scaled(varied, left), scaled(varied.mirrored(), right)]
        return bumps

    def varied(self, bump: GaussianBump) -> GaussianBump:
        """Vary a bump's position, width and direction."""
        n, normal = self.nuisances, self.rng.normal
        return GaussianBump(
            bump.x + normal(0, n.position),
            bump.y + normal(0, n.position),
            bump.sx * self.lognormal(n.width),
            bump.sy * self.lognormal(n.width),
            bump.du + normal(0, n.direction),
            bump.dv + normal(0, n.direction),
        )

    def _head(self) -> Field:
        """Draw the affine flow [2, S, S] of a head that moves between onset and apex."""
        strength = abs(float(self.rng.normal(0, self.nuisances.head)))
        shift, linear = self.rng.normal(size=2), self.rng.normal(size=(2, 2))
        x, y = np.meshgrid(*[pixel_centres(self.size, self.margin) - 0.5] * 2)
        field: Field = shift[:, None, None] + np.einsum("ij,jyx->iyx", linear, np.stack([x, y]))
        return (strength * field).astype(np.float32)

    def _noise(self) -> Field:
        """Draw smooth false flow [2, S, S]."""
        strength = abs(float(self.rng.normal(0, self.nuisances.noise)))
        return strength * self._smooth(2, 0.03, 0.12)

    def _steps(self) -> Field:
        """Draw piecewise constant false flow [2, S, S], as TV-L1's staircase artefact."""
        strength = abs(float(self.rng.normal(0, self.nuisances.steps)))
        height = 1 / float(self.rng.uniform(0.7, 2.2))
        return strength * height * (self._smooth(2, 0.05, 0.12) / height).round()

    def ragged(self, field: Field) -> Field:
        """Displace the positions at which the field [2, S, S] is looked up."""
        reach = self.size * float(self.rng.uniform(0, self.nuisances.ragged))
        across, down = reach * self._smooth(2, 0.04, 0.12)
        columns, rows = np.meshgrid(*[np.arange(field.shape[-1], dtype=np.float32)] * 2)
        x, y = columns + across, rows + down
        border = cv2.BORDER_REPLICATE
        u, v = (cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=border) for part in field)
        return np.stack([u, v]).astype(np.float32)

    def _patchy(self, field: Field) -> Field:
        """Vary the strength of the field [2, S, S] between positions."""
        strength = float(self.rng.uniform(0, self.nuisances.patchy))
        gain: Field = np.exp(strength * self._smooth(1, 0.03, 0.10))
        return field * gain

    def _smooth(self, channels: int, finest: float, coarsest: float) -> Field:
        """Draw smooth noise [C, S, S] of standard deviation 1 and random grain size."""
        sigma = self.size * self.rng.uniform(finest, coarsest)
        side = self.size + 2 * self.margin
        white = self.rng.normal(size=(side, side, channels))
        blurred = cv2.GaussianBlur(white, (0, 0), sigma).astype(np.float32)
        field = blurred.reshape(side, side, channels).transpose(2, 0, 1)
        return field / float(field.std())

    def lognormal(self, sigma: float) -> float:
        """Draw a factor whose logarithm has standard deviation `sigma`."""
        return float(np.exp(self.rng.normal(0, sigma)))
