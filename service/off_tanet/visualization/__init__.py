"""Flow, strain, attention and motion as PNG pictures, legible without the numbers beside them."""

from __future__ import annotations

import base64

from off_tanet.types import Attention, Crop, Flow, Motion, Prediction
from off_tanet.visualization import canvas, chart, maps, report

__all__ = [
    "arrows_png",
    "attention_png",
    "crop_png",
    "data_uri",
    "flow_png",
    "motion_png",
    "report_png",
    "strain_png",
]


def data_uri(png: bytes) -> str:
    """A PNG as the `data:` URI (RFC 2397) that a browser shows."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def crop_png(crop: Crop) -> bytes:
    """The crop [112, 112] itself, each pixel as the model got it."""
    return canvas.png(crop)


def flow_png(flow: Flow) -> bytes:
    """A flow [2, H, W] in the Middlebury colours: hue for direction, saturation for length."""
    return canvas.png(maps.flow_picture(flow))


def arrows_png(flow: Flow, onset: Crop) -> bytes:
    """A flow [2, 112, 112] as arrows over the onset's crop [112, 112]."""
    return canvas.png(maps.arrows_picture(flow, onset))


def strain_png(flow: Flow) -> bytes:
    """The strain of a flow [2, 112, 112] in the colour-blind safe cividis."""
    return canvas.png(maps.strain_picture(flow))


def attention_png(attention: Attention, apex: Crop) -> bytes:
    """Attention [14, 14] in 0..1, in cividis over the apex's crop [112, 112]."""
    return canvas.png(maps.attention_picture(attention, apex))


def motion_png(motion: Motion, onset: int, apex: int, offset: int | None = None) -> bytes:
    """The motion curve over time, with the frames `onset`, `apex` and `offset` marked."""
    return canvas.png(chart.motion_picture(motion, onset, apex, offset))


def report_png(prediction: Prediction) -> bytes:
    """One page with all of a prediction, and with what it must not be used for."""
    return canvas.png(report.report_picture(prediction))
