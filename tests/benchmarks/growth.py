"""How a cost grows with its size: the exponent, and a plot beside the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from off_tanet.types import Pixels
from off_tanet.visualization import canvas
from off_tanet.visualization.ticks import ticks

_WIDTH, _HEIGHT = 1280, 720  # pixels
_LEFT, _RIGHT, _UPPER, _LOWER = 130, 60, 150, 96  # margins


@dataclass(frozen=True)
class Series:
    """Costs of growing sizes.

    Attributes:
        title: What is measured against what; without its spaces, the name of the plot.
        size_name: The horizontal axis, with its unit.
        cost_name: The vertical axis, with its unit.
        sizes: In growing order.
        costs: The median cost of each size; at least two.
        limit: The largest size that the service accepts, and the name of what sets it.
    """

    title: str
    size_name: str
    cost_name: str
    sizes: Sequence[float]
    costs: Sequence[float]
    limit: tuple[float, str]

    @property
    def _middle(self) -> int:
        return len(self.sizes) // 2 - 1

    @property
    def exponent(self) -> float:
        """The slope of the logarithms, from the middle of the series on: 1 is linear."""
        sizes, costs = self.sizes[self._middle :], self.costs[self._middle :]
        return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])

    @property
    def line(self) -> tuple[float, float]:
        """Offset and slope of the straight line through the middle and the last value."""
        run = self.sizes[-1] - self.sizes[self._middle]
        slope = (self.costs[-1] - self.costs[self._middle]) / run
        return self.costs[-1] - slope * self.sizes[-1], slope

    @property
    def cost_at_limit(self) -> float:
        """The cost of the largest size that is accepted, by the straight line."""
        offset, slope = self.line
        return offset + slope * self.limit[0]

    def table(self) -> str:
        """All costs, the exponent and the limit."""
        size, name = self.limit
        rows = [
            f"  {size:7g} {cost:9.1f}" for size, cost in zip(self.sizes, self.costs, strict=True)
        ]
        head = f"{self.title}: exponent {self.exponent:.2f}, {self.cost_name}"
        return "\n".join(
            [head, *rows, f"  limit: {size:g} ({name}), {self.cost_at_limit:.1f} by the line"]
        )

    def write_plot(self, folder: Path) -> Path:
        """Draw the costs, and the straight line through the second half of them."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.title.replace(' ', '-')}.png"
        path.write_bytes(canvas.encode_png(self._picture()))
        return path

    def _picture(self) -> Pixels:
        picture = canvas.blank(_WIDTH, _HEIGHT)
        canvas.draw_text(picture, self.title, (24, 44), weight=600)
        size, name = self.limit
        at_limit = f"limit {size:g} ({name}): {self.cost_at_limit:.1f} by the line"
        canvas.draw_text(picture, f"exponent {self.exponent:.2f}; {at_limit}", (24, 84))
        canvas.draw_text(picture, self.cost_name, (24, 128))
        place = _WIDTH - _RIGHT - canvas.text_width(self.size_name), _HEIGHT - 16
        canvas.draw_text(picture, self.size_name, place)
        self._draw_axes(picture)
        offset, slope = self.line
        # From where it leaves the axis, if it rises.
        start = max(0.0, -offset / slope) if slope > 0 else self.sizes[self._middle]
        ends = [self._point(each, offset + slope * each) for each in (start, self.sizes[-1])]
        canvas.draw_lines(picture, ends, canvas.VERMILION, 2)
        points = [self._point(*each) for each in zip(self.sizes, self.costs, strict=True)]
        canvas.draw_lines(picture, points, canvas.BLUE, 4)
        for x, y in points:
            cv2.circle(picture, (round(x), round(y)), 8, canvas.BLUE, cv2.FILLED, cv2.LINE_AA)
        return picture

    @property
    def _top(self) -> float:
        return 1.1 * max(self.costs)

    def _point(self, size: float, cost: float) -> canvas.Point:
        return (
            _LEFT + size / self.sizes[-1] * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _LOWER - cost / self._top * (_HEIGHT - _UPPER - _LOWER),
        )

    def _draw_axes(self, picture: Pixels) -> None:
        for value in ticks(0.0, self._top):
            _, y = start = self._point(0, value)
            canvas.draw_lines(
                picture, [start, self._point(self.sizes[-1], value)], canvas.LIGHT_GREY
            )
            place = _LEFT - 14 - canvas.text_width(f"{value:g}"), round(y) + 9
            canvas.draw_text(picture, f"{value:g}", place)
        for value in ticks(0.0, self.sizes[-1]):
            x, y = start = self._point(value, 0)
            canvas.draw_lines(picture, [start, (x, y + 10)], canvas.DARK_GREY)
            place = round(x) - canvas.text_width(f"{value:g}") // 2, round(y) + 40
            canvas.draw_text(picture, f"{value:g}", place)
        canvas.draw_lines(
            picture, [self._point(0, 0), self._point(self.sizes[-1], 0)], canvas.DARK_GREY
        )
