"""The chart of a motion curve over time, with onset, apex and offset."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from off_tanet.types import Motion, Pixels
from off_tanet.visualization import canvas
from off_tanet.visualization.ticks import ticks

_LEAST_TOP_PX = 0.25  # so that a flat curve looks flat
_MARKS = (("onset", canvas.GREEN), ("apex", canvas.VERMILION), ("offset", canvas.PURPLE))


def motion_picture(
    motion: Motion, onset: int, apex: int, offset: int | None = None, width: int = 1280
) -> Pixels:
    """Draw a motion curve.

    Args:
        motion: The curve.
        onset: The index of the onset.
        apex: The index of the apex.
        offset: The index of the offset, if there is one.
        width: The width of the picture, in pixels.

    Returns:
        The picture [600, width, 3].
    """
    chart = _Chart.of(motion, width)
    picture = canvas.blank(chart.width, chart.height)
    chart.draw_axes(picture)
    points = [chart.point(*place) for place in zip(motion.times_s, motion.strength_px, strict=True)]
    canvas.draw_lines(picture, points, canvas.BLUE, 4)
    label_x = chart.left
    for (name, colour), index in zip(_MARKS, (onset, apex, offset), strict=True):
        if index is not None:
            time_s, strength_px = float(motion.times_s[index]), float(motion.strength_px[index])
            chart.mark(picture, (time_s, strength_px), colour)
            text = f"{name} {time_s:.3f} s, {strength_px:.2f} px"
            label_x = _label(picture, label_x, text, colour)
    return picture


@dataclass(frozen=True, slots=True)
class _Chart:
    """The axes, time (s) and motion (px), and the layout in pixels."""

    start_s: float
    end_s: float
    top_px: float
    width: int
    height: int = 600
    left: int = 100
    right: int = 32
    upper: int = 100
    lower: int = 96

    @classmethod
    def of(cls, motion: Motion, width: int) -> _Chart:
        """Scale the axes to a motion curve."""
        start, end = float(motion.times_s[0]), float(motion.times_s[-1])
        top = 1.1 * max(_LEAST_TOP_PX, float(motion.strength_px.max()))
        return cls(start, max(end, start + 1e-3), top, width)

    def point(self, time_s: float, strength_px: float) -> canvas.Point:
        """Return the place of a value on the picture."""
        across = (time_s - self.start_s) / (self.end_s - self.start_s)
        up = strength_px / self.top_px
        return (
            self.left + across * (self.width - self.left - self.right),
            self.height - self.lower - up * (self.height - self.upper - self.lower),
        )

    def draw_axes(self, picture: Pixels) -> None:
        """Draw axes, grid lines and labels."""
        for value in ticks(0.0, self.top_px):
            _, y = start = self.point(self.start_s, value)
            canvas.draw_lines(picture, [start, self.point(self.end_s, value)], canvas.LIGHT_GREY)
            text = f"{value:g}"
            canvas.draw_text(
                picture, text, (self.left - 14 - canvas.text_width(text), round(y) + 9)
            )
        for value in ticks(self.start_s, self.end_s):
            x, y = start = self.point(value, 0)
            canvas.draw_lines(picture, [start, (x, y + 10)], canvas.DARK_GREY)
            text = f"{value:g}"
            canvas.draw_text(
                picture, text, (round(x) - canvas.text_width(text) // 2, round(y) + 40)
            )
        canvas.draw_lines(
            picture, [self.point(self.start_s, 0), self.point(self.end_s, 0)], canvas.DARK_GREY
        )
        canvas.draw_text(picture, "motion (px at 112 × 112)", (16, 34))
        title = "time (s)"
        place = self.width - self.right - canvas.text_width(title), self.height - 16
        canvas.draw_text(picture, title, place)

    def mark(self, picture: Pixels, value: canvas.Point, colour: canvas.Colour) -> None:
        """Mark a value (time, motion)."""
        x, y = self.point(*value)
        canvas.draw_lines(picture, [self.point(value[0], 0), (x, self.upper)], colour, 3)
        cv2.circle(picture, (round(x), round(y)), 10, colour, cv2.FILLED, cv2.LINE_AA)


def _label(picture: Pixels, x: int, text: str, colour: canvas.Colour) -> int:
    """Write a label above the curve, where no line crosses it; return where the next one starts."""
    picture[56:76, x : x + 20] = colour
    canvas.draw_text(picture, text, (x + 32, 76))
    return x + 32 + canvas.text_width(text) + 48
