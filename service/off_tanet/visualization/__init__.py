"""PNG pictures of flow, strain, attention and motion, with legends."""

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
    "scales",
    "strain_png",
]


def scales(flow: Flow) -> tuple[float, float]:
    """Return what the legends of a flow [2, 112, 112] say.

    Returns:
        The length of full colour and of the longest arrow, in pixels; the strain of the brightest
        colour, as a fraction.
    """
    return maps.flow_scale_px(flow), maps.strain_scale(flow)


def data_uri(png: bytes) -> str:
    """Encode a PNG as a `data:` URI (RFC 2397), which browsers show."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def crop_png(crop: Crop) -> bytes:
    """Draw a crop [112, 112] pixel by pixel, as the model receives it."""
    return canvas.encode_png(crop)


def flow_png(flow: Flow) -> bytes:
    """Draw a flow in the Middlebury colours: hue for direction, saturation for length.

    Args:
        flow: The flow [2, H, W], in pixels.

    Returns:
        The PNG, with a colour wheel.
    """
    return canvas.encode_png(maps.flow_picture(flow))


def arrows_png(flow: Flow, onset: Crop) -> bytes:
    """Draw a flow as arrows.

    Args:
        flow: The flow [2, 112, 112], in pixels.
        onset: The crop [112, 112] under the arrows.

    Returns:
        The PNG, with a scale.
    """
    return canvas.encode_png(maps.arrows_picture(flow, onset))


def strain_png(flow: Flow) -> bytes:
    """Draw the strain of a flow in the colour map cividis.

    Args:
        flow: The flow [2, 112, 112], in pixels.

    Returns:
        The PNG, with a colour bar.
    """
    return canvas.encode_png(maps.strain_picture(flow))


def attention_png(attention: Attention, apex: Crop) -> bytes:
    """Draw an attention map in the colour map cividis.

    Args:
        attention: The attention [14, 14], 0..1.
        apex: The crop [112, 112] under the map.

    Returns:
        The PNG, with a colour bar.
    """
    return canvas.encode_png(maps.attention_picture(attention, apex))


def motion_png(motion: Motion, onset: int, apex: int, offset: int | None = None) -> bytes:
    """Draw a motion curve over time.

    Args:
        motion: The curve.
        onset: The index of the frame that is marked as the onset.
        apex: The index of the apex.
        offset: The index of the offset, if there is one.

    Returns:
        The PNG.
    """
    return canvas.encode_png(chart.motion_picture(motion, onset, apex, offset))


def report_png(prediction: Prediction) -> bytes:
    """Draw a page with all parts of a prediction, and the limits of its use.

    Args:
        prediction: The prediction.

    Returns:
        The PNG, as wide as an A4 page at 200 dots per inch.
    """
    return canvas.encode_png(report.report_picture(prediction))
