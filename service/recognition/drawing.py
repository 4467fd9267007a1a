"""Flow, attention and motion as PNG pictures, legible without the numbers beside them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from service.recognition.types import Attention, Crop, Flow, Motion, Pixels

Colour = tuple[int, int, int]
"""Blue, green, red."""

_SIDE = 448  # four times the crop
_STRIP = 56  # the legend below
_WHITE: Colour = (255, 255, 255)
_INK: Colour = (51, 51, 51)
_PALE: Colour = (224, 224, 224)
_BLUE: Colour = (178, 114, 0)  # blue and vermilion of Okabe and Ito's colour-blind safe set
_VERMILION: Colour = (0, 94, 213)
_LEAST_SCALE_PX = 0.25  # so that noise stays pale


def data_uri(png: bytes) -> str:
    """A PNG as the `data:` URI (RFC 2397) that a browser shows."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def flow_png(flow: Flow) -> bytes:
    """A flow [2, H, W] as colours: hue for the direction, saturation for the length.

    The colour wheel is that of S. Baker et al., "A Database and Evaluation Methodology for Optical
    Flow", IJCV 92, 2011. The length of full colour is a round number that covers 99% of the
    flow; the legend states it. Longer vectors are darker.
    """
    scale = _round_up(max(_LEAST_SCALE_PX, float(np.percentile(np.hypot(*flow), 99))))
    colours = flow_colours(flow / scale)
    picture = cv2.resize(colours, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    strip = _strip()
    strip[4:52, 8:56] = _wheel_legend(48)
    _write(strip, f"full colour: {scale:g} px at 112 × 112", (68, 24))
    _write(strip, "hue: the direction in which the skin moves", (68, 43), _INK, 12)
    return _png(np.vstack([picture, strip]))


def attention_png(attention: Attention, crop: Crop) -> bytes:
    """Attention [14, 14] in 0..1 over the crop [112, 112], in the colour-blind safe cividis."""
    face = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    weight = cv2.resize(attention, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    colours = _cividis(weight)
    picture = cv2.addWeighted(cv2.cvtColor(face, cv2.COLOR_GRAY2BGR), 0.5, colours, 0.5, 0)
    strip = _strip()
    strip[20:36, 92:352] = _cividis(np.tile(np.linspace(0, 1, 260, dtype=np.float32), (16, 1)))
    _write(strip, "attention  0", (8, 33))
    _write(strip, "1", (360, 33))
    return _png(np.vstack([picture, strip]))


def motion_png(motion: Motion, onset: int, apex: int) -> bytes:
    """The motion curve over time, with the frames `onset` and `apex` marked."""
    chart = _Chart.of(motion)
    picture = np.full((chart.height, chart.width, 3), 255, np.uint8)
    chart.draw_axes(picture)
    points = [chart.point(*place) for place in zip(motion.times_s, motion.strength_px, strict=True)]
    _lines(picture, points, _BLUE, 2)
    for row, (name, index) in enumerate((("onset", onset), ("apex", apex))):
        time_s, strength_px = float(motion.times_s[index]), float(motion.strength_px[index])
        label = f"{name} {time_s:.2f} s, {strength_px:.2f} px"
        chart.mark(picture, (time_s, strength_px), label, row)
    return _png(picture)


# --- flow colours -----------------------------------------------------------------------------


def flow_colours(flow: Flow) -> Pixels:
    """Middlebury colours of a flow [2, H, W] whose vectors of length 1 have full colour."""
    wheel = _wheel()
    length, angle = np.hypot(*flow), np.arctan2(-flow[1], -flow[0])
    place = (angle / np.pi + 1) / 2 * len(wheel)  # from red, rightwards, once around to red
    below = np.floor(place).astype(int)
    part = (place - below)[..., None]
    hue = (1 - part) * wheel[below % len(wheel)] + part * wheel[(below + 1) % len(wheel)]
    inside = 1 - length[..., None] * (1 - hue)
    colour = np.where(length[..., None] <= 1, inside, 0.75 * hue)
    return np.asarray(np.rint(255 * colour[..., ::-1]), np.uint8)


def _wheel() -> NDArray[np.float64]:
    """The 55 hues of the wheel, [55, 3] red, green, blue in 0..1.

    Six arcs in which one channel rises or falls while the others rest; their lengths give each
    hue the room in which the eye tells its neighbours apart.
    """
    red, yellow, green, cyan, blue, magenta = np.array(
        [(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1)], float
    )
    arcs = [
        (red, yellow, 15),
        (yellow, green, 6),
        (green, cyan, 4),
        (cyan, blue, 11),
        (blue, magenta, 13),
        (magenta, red, 6),
    ]
    return np.vstack([np.linspace(start, end, n, endpoint=False) for start, end, n in arcs])


def _wheel_legend(size: int) -> Pixels:
    """A disc whose every place has the colour of the motion towards it."""
    steps = np.linspace(-1, 1, size, dtype=np.float32)
    flow = np.stack(np.meshgrid(steps, steps))
    colours = flow_colours(flow)
    colours[np.hypot(*flow) > 1] = _WHITE
    return colours


# --- the chart --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Chart:
    """Axes of time (s) and motion (px), and where their values lie on the picture."""

    start_s: float
    end_s: float
    top_px: float
    width: int = 640
    height: int = 300
    left: int = 64
    right: int = 16
    upper: int = 28
    lower: int = 48

    @classmethod
    def of(cls, motion: Motion) -> _Chart:
        start, end = float(motion.times_s[0]), float(motion.times_s[-1])
        top = 1.4 * max(_LEAST_SCALE_PX, float(motion.strength_px.max()))
        return cls(start, max(end, start + 1e-3), top)

    def point(self, time_s: float, strength_px: float) -> tuple[float, float]:
        across = (time_s - self.start_s) / (self.end_s - self.start_s)
        up = strength_px / self.top_px
        return (
            self.left + across * (self.width - self.left - self.right),
            self.height - self.lower - up * (self.height - self.upper - self.lower),
        )

    def draw_axes(self, picture: Pixels) -> None:
        for value in _ticks(0.0, self.top_px):
            _, y = start = self.point(self.start_s, value)
            _lines(picture, [start, self.point(self.end_s, value)], _PALE)
            _write(picture, f"{value:g}", (self.left - 36, round(y) + 5))
        for value in _ticks(self.start_s, self.end_s):
            x, y = start = self.point(value, 0)
            _lines(picture, [start, (x, y + 5)], _INK)
            _write(picture, f"{value:g}", (round(x) - 8, round(y) + 20))
        _lines(picture, [self.point(self.start_s, 0), self.point(self.end_s, 0)], _INK)
        _write(picture, "motion (px at 112 × 112)", (8, 18))
        _write(picture, "time (s)", (self.width - 64, self.height - 8))

    def mark(self, picture: Pixels, value: tuple[float, float], label: str, row: int) -> None:
        """Mark a value (time, motion) and write its label in a row above the curve."""
        x, y = self.point(*value)
        baseline = self.upper + 12 + 18 * row
        _lines(picture, [self.point(value[0], 0), (x, baseline)], _VERMILION)
        cv2.circle(picture, (round(x), round(y)), 5, _VERMILION, cv2.FILLED, cv2.LINE_AA)
        width = 7 * len(label)
        at_left = x + 6 + width > self.width - self.right
        _write(picture, label, (round(x) - 6 - width if at_left else round(x) + 6, baseline), _INK)


def _ticks(start: float, end: float) -> Iterator[float]:
    """About four round numbers between the two."""
    step = _round_up((end - start) / 5)
    first = math.ceil(start / step - 1e-9)
    last = math.floor(end / step + 1e-9)
    return (round(index * step, 9) for index in range(first, last + 1))


def _round_up(value: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * (1 - 1e-9))


# --- the brush --------------------------------------------------------------------------------


def _strip() -> Pixels:
    return np.full((_STRIP, _SIDE, 3), 255, np.uint8)


def _cividis(values: NDArray[Any]) -> Pixels:
    """The colours of values in 0..1; cubic interpolation may have left that range."""
    levels = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_CIVIDIS), np.uint8)


def _lines(
    picture: Pixels, points: list[tuple[float, float]], colour: Colour, width: int = 1
) -> None:
    shift = 4  # places are given in sixteenths of a pixel, which OpenCV then blends
    places = np.rint(np.array(points) * (1 << shift)).astype(np.int32)
    cv2.polylines(picture, [places], False, colour, width, cv2.LINE_AA, shift)


def _write(
    picture: Pixels, text: str, place: tuple[int, int], colour: Colour = _INK, size: int = 13
) -> None:
    """`text` with its base line's start at `place`, in the font that OpenCV 5 brings along."""
    cv2.putText(picture, text, place, colour, cv2.FontFace("sans"), size, 400)


def _png(picture: NDArray[np.generic]) -> bytes:
    done, data = cv2.imencode(".png", np.asarray(picture, np.uint8))
    if not done:
        raise RuntimeError("OpenCV could not encode a PNG")
    return data.tobytes()
