"""The motion curve over time, with onset, apex and offset marked."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from service.recognition.drawing import brush
from service.recognition.drawing.ticks import ticks
from service.recognition.types import Motion, Pixels

_LEAST_TOP_PX = 0.25  # so that flat looks flat
_MARKS = (("onset", brush.GREEN), ("apex", brush.VERMILION), ("offset", brush.PURPLE))


def motion_picture(
    motion: Motion, onset: int, apex: int, offset: int | None = None, width: int = 1280
) -> Pixels:
    """The curve of `motion` with the frames `onset`, `apex` and, where there is one, `offset`."""
    chart = _Chart.of(motion, width)
    picture = brush.paper(chart.width, chart.height)
    chart.draw_axes(picture)
    points = [chart.point(*place) for place in zip(motion.times_s, motion.strength_px, strict=True)]
    brush.lines(picture, points, brush.BLUE, 4)
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

    def point(self, time_s: float, strength_px: float) -> brush.Point:
        across = (time_s - self.start_s) / (self.end_s - self.start_s)
        up = strength_px / self.top_px
        return (
            self.left + across * (self.width - self.left - self.right),
            self.height - self.lower - up * (self.height - self.upper - self.lower),
        )

    def draw_axes(self, picture: Pixels) -> None:
        for value in ticks(0.0, self.top_px):
            _, y = start = self.point(self.start_s, value)
            brush.lines(picture, [start, self.point(self.end_s, value)], brush.PALE)
            text = f"{value:g}"
            brush.write(picture, text, (self.left - 14 - brush.width_of(text), round(y) + 9))
        for value in ticks(self.start_s, self.end_s):
            x, y = start = self.point(value, 0)
            brush.lines(picture, [start, (x, y + 10)], brush.INK)
            text = f"{value:g}"
            brush.write(picture, text, (round(x) - brush.width_of(text) // 2, round(y) + 40))
        brush.lines(picture, [self.point(self.start_s, 0), self.point(self.end_s, 0)], brush.INK)
        brush.write(picture, "motion (px at 112 × 112)", (16, 34))
        title = "time (s)"
        place = self.width - self.right - brush.width_of(title), self.height - 16
        brush.write(picture, title, place)

    def mark(
        self, picture: Pixels, value: brush.Point, name: str, colour: brush.Colour, row: int
    ) -> None:
        """Mark a value (time, motion) and write its name in a row above the curve."""
        x, y = self.point(*value)
        baseline = self.upper + 24 + 34 * row
        brush.lines(picture, [self.point(value[0], 0), (x, baseline - 20)], colour, 3)
        cv2.circle(picture, (round(x), round(y)), 10, colour, cv2.FILLED, cv2.LINE_AA)
        text = f"{name} {value[0]:.3f} s, {value[1]:.2f} px"
        length = brush.width_of(text)
        at_left = x + 12 + length > self.width - self.right
        start = round(x) - 12 - length if at_left else round(x) + 12
        columns = slice(max(start - 4, 0), start + length + 4)
        picture[baseline - 24 : baseline + 8, columns] = brush.WHITE
        brush.write(picture, text, (start, baseline))
