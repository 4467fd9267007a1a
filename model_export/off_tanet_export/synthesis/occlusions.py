"""What covers a face and moves with the head, not with its muscles: glasses, fringe, hands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from off_tanet_export.synthesis.camera import warp
from off_tanet_export.synthesis.face_generator import SIDES, Grey, Sketch

Generator = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """A picture that covers another in part.

    Attributes:
        levels: Grey levels [S, S].
        opacity: How much of the picture behind is hidden, 0..1, [S, S].
    """

    levels: Grey
    opacity: Grey

    def over(self, picture: Grey) -> Grey:
        """Return the covered picture."""
        return np.asarray(picture + self.opacity * (self.levels - picture), np.float32)

    def moved(self, motion: Grey) -> Cover:
        """Return the cover after a motion [2, S, S], in pixels."""
        return Cover(*(warp(part, motion, iterations=2) for part in (self.levels, self.opacity)))


def draw_cover(rng: Generator, size: int, kind: str, skin: float) -> Cover:
    """Draw a cover.

    Args:
        rng: Draws the variation.
        size: The side of the picture.
        kind: `glasses`, `fringe` or `hand`.
        skin: The level of the skin.
    """
    return KINDS[kind](rng, size, skin)


def _glasses(rng: Generator, size: int, skin: float) -> Cover:
    """Frames, and lenses with a reflection."""
    levels, opacity = Sketch(size, skin * rng.uniform(0.05, 0.7)), Sketch(size)
    across, down = rng.uniform(0.13, 0.18), rng.uniform(0.08, 0.13)
    height, width = rng.uniform(0.28, 0.34), rng.uniform(0.008, 0.03)
    dense, lens = rng.uniform(0.5, 1), rng.uniform(0, 0.15)
    for side in SIDES:
        at = 0.5 + 0.235 * side, height
        opacity.ellipse(at, (across, down), lens)
        opacity.ellipse(at, (across, down), dense, width=width)
        opacity.line([(at[0] + side * across, height - 0.02), (0.5 + side * 0.66, height - 0.03)],
                     dense, width)  # fmt: skip
    opacity.line([(0.5 - 0.235 + across, height), (0.5 + 0.235 - across, height)], dense, width)
    if rng.random() < 0.5:
        x, y = 0.5 + 0.235 * rng.choice(SIDES) + rng.normal(0, 0.05), height + rng.normal(0, 0.03)
        levels.ellipse((x, y), (0.05, 0.02), rng.uniform(180, 255))
        opacity.ellipse((x, y), (0.05, 0.02), rng.uniform(0.3, 0.9))
    return Cover(levels.blurred(0.004), opacity.blurred(0.004))


def _fringe(rng: Generator, size: int, skin: float) -> Cover:
    """Strands from above, down to brows or eyes."""
    level = skin * rng.uniform(0.1, 0.9)
    levels, opacity = Sketch(size, level), Sketch(size)
    end = rng.uniform(0.0, 0.25)
    for x in np.arange(-0.1, 1.1, rng.uniform(0.02, 0.06)):
        tip = float(x + rng.normal(0, 0.05)), float(end + rng.normal(0, 0.05))
        opacity.line([(float(x), -0.25), tip], rng.uniform(0.3, 1), rng.uniform(0.01, 0.05))
        levels.line([(float(x), -0.25), tip], level * rng.uniform(0.7, 1.3), 0.01)
    return Cover(levels.blurred(0.004), opacity.blurred(0.005))


def _hand(rng: Generator, size: int, skin: float) -> Cover:
    """Fingers over a cheek, the chin or half of the mouth."""
    levels, opacity = Sketch(size, skin * rng.uniform(0.8, 1.2)), Sketch(size)
    side, width = int(rng.choice(SIDES)), rng.uniform(0.06, 0.1)
    base, tip = rng.uniform(0.95, 1.1), rng.uniform(0.55, 0.85)
    for finger in range(int(rng.integers(1, 4))):
        x = 0.5 + side * (rng.uniform(0.15, 0.35) + 0.8 * width * finger)
        opacity.line([(x, base + 0.2), (x - side * 0.05, tip + 0.03 * finger)], 1, width)
        edge = x + side * width / 2
        levels.line([(edge, base + 0.2), (edge - side * 0.05, tip)], skin * 0.6, 0.012)
    return Cover(levels.blurred(0.006), opacity.blurred(0.006))


KINDS = {"glasses": _glasses, "fringe": _fringe, "hand": _hand}
