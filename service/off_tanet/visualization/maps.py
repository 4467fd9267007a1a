"""Pictures of crop, flow, strain and attention."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.types import CROP_SIZE, Attention, Crop, Flow, Pixels
from off_tanet.visualization import canvas, color_wheel
from off_tanet.visualization.ticks import round_up

SIDE = 6 * CROP_SIZE
STRIP = 96  # height of the legend below the picture

_LEAST_SCALE_PX = 0.25  # so that noise has pale colours
_LEAST_STRAIN = 0.01
_STRAIN_CELL = 4  # pixels, as in the map of the network
_ARROW_CELL = 7  # pixels; 16 arrows a side
_ARROW = 76  # length of the longest arrow in the picture
_BAR = 300  # width of a colour bar


def crop_picture(crop: Crop) -> Pixels:
    """Draw a crop [112, 112] at the size of the other pictures, without a legend."""
    return np.asarray(cv2.cvtColor(_enlarged(crop), cv2.COLOR_GRAY2BGR), np.uint8)


def flow_picture(flow: Flow) -> Pixels:
    """Draw a flow [2, H, W] in the colours of the wheel.

    The length of full colour is a round number that covers 99% of the flow, and is printed in the
    legend. Longer vectors are darker.
    """
    scale = flow_scale_px(flow)
    picture = _enlarged(color_wheel.flow_colours(flow / scale))
    strip = canvas.blank(SIDE, STRIP)
    strip[8:88, 12:92] = color_wheel.disc(80)
    canvas.draw_text(strip, f"full colour: {scale:g} px at 112 × 112", (108, 42))
    canvas.draw_text(strip, "hue: the direction in which the skin moves", (108, 76))
    return np.vstack([picture, strip])


def arrows_picture(flow: Flow, crop: Crop) -> Pixels:
    """Draw a flow [2, 112, 112] as arrows over the crop [112, 112] of the onset.

    Each arrow is the mean of a cell. Cells that hardly move have a dot.
    """
    scale = flow_scale_px(flow)
    face = cv2.addWeighted(_enlarged(crop), 0.55, np.full((SIDE, SIDE), 255, np.uint8), 0.45, 0)
    picture = np.asarray(cv2.cvtColor(face, cv2.COLOR_GRAY2BGR), np.uint8)
    means = _cell_means(flow, _ARROW_CELL)
    zoom = SIDE / means.shape[-1]
    for row, column in np.ndindex(means.shape[1:]):
        start = ((column + 0.5) * zoom, (row + 0.5) * zoom)
        u, v = np.clip(means[:, row, column] / scale, -1, 1) * _ARROW
        _arrow(picture, start, (start[0] + float(u), start[1] + float(v)))
    strip = canvas.blank(SIDE, STRIP)
    _arrow(strip, (16, 48), (16 + _ARROW, 48))
    canvas.draw_text(strip, f"{scale:g} px at 112 × 112", (108, 42))
    canvas.draw_text(strip, "from the onset towards the apex", (108, 76))
    return np.vstack([picture, strip])


def strain_picture(flow: Flow) -> Pixels:
    """Draw the strain of a flow [2, 112, 112], which is stretching, compression and shear of skin.

    It is the magnitude of the infinitesimal strain tensor, as in M. Shreve et al., "Macro- and
    micro-expression spotting in long videos using spatio-temporal strain", FG 2011.
    """
    scale = strain_scale(flow)
    picture = canvas.cividis(_enlarged(_strain(flow) / scale))
    return np.vstack([picture, _bar("strain, in per cent", "0", f"{100 * scale:g}")])


def attention_picture(attention: Attention, crop: Crop) -> Pixels:
    """Draw attention [14, 14] in 0..1 over a crop [112, 112]."""
    face = cv2.cvtColor(_enlarged(crop), cv2.COLOR_GRAY2BGR)
    colours = canvas.cividis(_enlarged(attention))
    picture = np.asarray(cv2.addWeighted(face, 0.5, colours, 0.5, 0), np.uint8)
    return np.vstack([picture, _bar("attention of the network", "least", "most")])


def flow_scale_px(flow: Flow) -> float:
    """Return the length of full colour and of the longest arrow, in pixels."""
    return round_up(max(_LEAST_SCALE_PX, float(np.percentile(np.hypot(*flow), 99))))


def strain_scale(flow: Flow) -> float:
    """Return the strain of the brightest colour, as a fraction."""
    return round_up(max(_LEAST_STRAIN, float(np.percentile(_strain(flow), 99))))


def _strain(flow: Flow) -> NDArray[np.float32]:
    """The magnitude [28, 28] of the strain of a flow [2, 112, 112], without a unit."""
    u, v = _cell_means(flow, _STRAIN_CELL)
    part = 1 / (8 * _STRAIN_CELL)  # Sobel: each side has weights of 4 in sum, 2 cells apart
    (ux, uy), (vx, vy) = (
        [cv2.Sobel(component, cv2.CV_32F, *way, scale=part) for way in ((1, 0), (0, 1))]
        for component in (u, v)
    )
    return np.asarray(np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2), np.float32)


def _cell_means(flow: Flow, cell: int) -> Flow:
    side = CROP_SIZE // cell
    return np.asarray(flow.reshape(2, side, cell, side, cell).mean(axis=(2, 4)), np.float32)


def _enlarged(values: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(cv2.resize(values, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))


def _arrow(picture: Pixels, start: canvas.Point, end: canvas.Point) -> None:
    """Draw a blue arrow with a white outline, visible on dark hair and on light skin."""
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    if length < 0.08 * _ARROW:
        cv2.circle(picture, (round(start[0]), round(start[1])), 2, canvas.BLUE, -1, cv2.LINE_AA)
        return
    along = np.array([end[0] - start[0], end[1] - start[1]]) / length
    across = np.array([-along[1], along[0]])
    head = min(16.0, 0.6 * length)
    neck = np.array(end) - head * along
    left, right = (tuple(neck + side * 0.45 * head * across) for side in (1, -1))
    canvas.draw_lines(picture, [start, end], canvas.WHITE, 7)
    canvas.draw_lines(picture, [left, end, right, left], canvas.WHITE, 5)
    canvas.draw_lines(picture, [start, (float(neck[0]), float(neck[1]))], canvas.BLUE, 3)
    canvas.draw_polygon(picture, [left, end, right], canvas.BLUE)


def _bar(title: str, least: str, most: str) -> Pixels:
    """The legend of a map in cividis: a colour bar."""
    strip = canvas.blank(SIDE, STRIP)
    start = 28 + canvas.text_width(least)
    strip[54:82, start : start + _BAR] = canvas.cividis(
        np.tile(np.linspace(0, 1, _BAR, dtype=np.float32), (28, 1))
    )
    canvas.draw_text(strip, title, (14, 36))
    canvas.draw_text(strip, least, (14, 77))
    canvas.draw_text(strip, most, (start + _BAR + 14, 77))
    return strip
