"""Mouths that open: the jaw takes the lower face along, and teeth and cavity come into view.

A warp alone would stretch the line between the lips. Pictures are as `face_generator.draw` makes
them: grey, `EXTENT` crops wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from off_tanet_export.synthesis.action_units import Field, pixel_centres
from off_tanet_export.synthesis.face_generator import EXTENT, MARGIN, Grey

OPENERS = {"AU25": 0.6, "AU26": 1.3, "AU27": 2.2}
"""How far each unit opens the mouth, relative to its strength."""

LARGEST_OPENING = 0.2
SUPERSAMPLING = 4
LINES = (0.70, 0.82)
EDGE = 0.006


@dataclass(frozen=True, slots=True)
class Mouth:
    """An opening of the mouth, in fractions of the crop.

    Attributes:
        line: Where the lips meet when closed.
        opening: Distance between the lips at the middle.
        half: Half the width of the opening.
        upper: Share of the opening by which the upper lip rises.
        teeth: Height of the visible upper teeth.
        teeth_level: Their level relative to the skin's.
        cavity_level: The cavity's level relative to the skin's.
    """

    line: float
    opening: float
    half: float
    upper: float
    teeth: float
    teeth_level: float
    cavity_level: float

    def jaw(self, size: int) -> Field:
        """Return the motion [2, size, size] of lips and jaw, in fractions of the crop."""
        y, x = np.meshgrid(*[_places(size)] * 2, indexing="ij")
        lower = _step((y - self.line) / EDGE)
        reach = self.half * 1.3 + 0.12 * np.clip(y - self.line, 0, 1)
        wide = np.exp(-0.5 * ((x - 0.5) / reach) ** 2)
        lip = (1 - lower) * np.exp(-0.5 * ((y - self.line) / 0.05) ** 2)
        down = self.opening * wide * ((1 - self.upper) * lower - self.upper * lip)
        return np.stack([np.zeros_like(down), down]).astype(np.float32)

    def paint(self, moved: Grey) -> Grey:
        """Draw teeth and cavity into a picture whose lips have moved."""
        size = len(moved)
        if self.opening * size / EXTENT < 0.7:
            return moved
        unit = size / EXTENT * SUPERSAMPLING
        top = self.line - self.upper * self.opening
        mask = self._ellipse(size, unit, top + self.opening / 2)
        skin = float(np.median(moved[int(size * 0.4) : int(size * 0.7), size // 3 : -size // 3]))
        y, x = np.meshgrid(*[_places(size)] * 2, indexing="ij")
        height = np.sqrt(np.clip(1 - ((x - 0.5) / self.half) ** 2, 0, 1))
        edge = top + self.opening / 2 * (1 - height)
        teeth = _step((edge + self.teeth - y) / EDGE)
        level = skin * (self.cavity_level + (self.teeth_level - self.cavity_level) * teeth)
        return np.asarray(moved * (1 - mask) + level * mask, np.float32)

    def _ellipse(self, size: int, unit: float, middle: float) -> Grey:
        large = np.zeros((size * SUPERSAMPLING,) * 2, np.uint8)
        centre = round((0.5 + MARGIN) * unit), round((middle + MARGIN) * unit)
        radii = max(1, round(self.half * unit)), max(1, round(self.opening / 2 * unit))
        cv2.ellipse(large, centre, radii, 0, 0, 360, 255, -1)
        mask = cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)
        return np.asarray(mask / 255, np.float32)


def draw_mouth(rng: np.random.Generator, face: Grey, opening: float) -> Mouth:
    """Draw a mouth that opens by `opening`, a fraction of the crop.

    Args:
        rng: Draws the variation.
        face: The picture of the face, which shows where the lips meet.
        opening: The distance between the lips.
    """
    opening = min(opening, LARGEST_OPENING)
    teeth = rng.uniform(0, 0.045) if rng.random() < 0.7 else 0.0
    return Mouth(
        line=_lips_meet(face),
        opening=opening,
        half=rng.uniform(0.1, 0.16),
        upper=rng.uniform(0, 0.25),
        teeth=min(teeth, 0.8 * opening),
        teeth_level=rng.uniform(0.8, 1.5),
        cavity_level=rng.uniform(0.1, 0.5),
    )


def _lips_meet(face: Grey) -> float:
    """Find the darkest row of the middle of the mouth."""
    unit = len(face) / EXTENT
    first, last = (round((y + MARGIN) * unit) for y in LINES)
    middle = slice(round((0.42 + MARGIN) * unit), round((0.58 + MARGIN) * unit))
    row = first + int(face[first:last, middle].mean(1).argmin())
    return (row + 0.5) / unit - MARGIN


def _step(values: Grey) -> Grey:
    """A smooth step from 0 to 1."""
    return np.asarray(0.5 + 0.5 * np.tanh(values / 2), np.float32)


def _places(size: int) -> Grey:
    return np.asarray(pixel_centres(size) * EXTENT - MARGIN, np.float32)
