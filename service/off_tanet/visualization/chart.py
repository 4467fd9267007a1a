"""The motion curve over time, with onset, apex and offset marked."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from off_tanet.types import Motion, Pixels
from off_tanet.visualization import canvas
from off_tanet.visualization.ticks import ticks

_LEAST_TOP_PX = 0.25  # so that flat looks flat
_MARKS = (("onset", canvas.GREEN), ("apex", canvas.VERMILION), ("offset", canvas.PURPLE))


def motion_picture(
    motion: Motion, onset: int, apex: int, offset: int | None = None, width: int = 1280
) -> Pixels:
    """The curve of `motion` with the frames `onset`, `apex` and, where there is one, `offset`."""
    chart = _Chart.of(motion, width)
    picture = canvas.paper(chart.width, chart.height)
    chart.draw_axes(picture)
    points = [chart.point(*place) for place in zip(motion.times_s, motion.strength_px, strict=True)]
    canvas.lines(picture, points, canvas.BLUE, 4)
    for row, ((name, colour), index) in enumerate(zip(_MARKS, (onset, apex, offset), strict=True)):
        if index is not None:
            place = float(motion.times_s[index]), float(motion.strength_px[index])
            chart.mark(picture, place, name, colour, row)
    return picture


@dataclass(frozen=True, slots=True)
class _Chart:
    """Axes of time (s) and motion (px), and where their values lie on the picture."""

    start_s: float
    end_s: float
    top_px: float
    width: int
    height: int = 600
    left: int = 100
    right: int = 32
    upper: int = 56
    lower: int = 96

    @classmethod
    def of(cls, motion: Motion, width: int) -> _Chart:
        start, end = float(motion.times_s[0]), float(motion.times_s[-1])
        top = 1.5 * max(_LEAST_TOP_PX, float(motion.strength_px.max()))
        return cls(start, max(end, start + 1e-3), top, width)

    def point(self, time_s: float, strength_px: float) -> canvas.Point:
        across = (time_s - self.start_s) / (self.end_s - self.start_s)
        up = strength_px / self.top_px
        return (
            self.left + across * (self.width - self.left - self.right),
            self.height - self.lower - up * (self.height - self.upper - self.lower),
        )

    def draw_axes(self, picture: Pixels) -> None:
        for value in ticks(0.0, self.top_px):
            _, y = start = self.point(self.start_s, value)
            canvas.lines(picture, [start, self.point(self.end_s, value)], canvas.PALE)
            text = f"{value:g}"
            canvas.write(picture, text, (self.left - 14 - canvas.width_of(text), round(y) + 9))
        for value in ticks(self.start_s, self.end_s):
            x, y = start = self.point(value, 0)
            canvas.lines(picture, [start, (x, y + 10)], canvas.INK)
            text = f"{value:g}"
            canvas.write(picture, text, (round(x) - canvas.width_of(text) // 2, round(y) + 40))
        canvas.lines(picture, [self.point(self.start_s, 0), self.point(self.end_s, 0)], canvas.INK)
        canvas.write(picture, "motion (px at 112 × 112)", (16, 34))
        title = "time (s)"
        place = self.width - self.right - canvas.width_of(title), self.height - 16
        canvas.write(picture, title, place)

    def mark(
        self, picture: Pixels, value: canvas.Point, name: str, colour: canvas.Colour, row: int
    ) -> None:
        """Mark a value (time, motion) and write its name in a row above the curve."""
        x, y = self.point(*value)
        baseline = self.upper + 24 + 34 * row
        canvas.lines(picture, [self.point(value[0], 0), (x, baseline - 20)], colour, 3)
        cv2.circle(picture, (round(x), round(y)), 10, colour, cv2.FILLED, cv2.LINE_AA)
        text = f"{name} {value[0]:.3f} s, {value[1]:.2f} px"
        length = canvas.width_of(text)
        at_left = x + 12 + length > self.width - self.right
        start = round(x) - 12 - length if at_left else round(x) + 12
        columns = slice(max(start - 4, 0), start + length + 4)
        picture[baseline - 24 : baseline + 8, columns] = canvas.WHITE
        canvas.write(picture, text, (start, baseline))
