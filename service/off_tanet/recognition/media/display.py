"""Transformation of decoded frames for display: rotation, mirroring and square pixels.

Telephones, action cameras and editors store frames in the orientation of the sensor or in the shape
that suits the codec, and declare in the container how a player has to show them. Without this
transformation a face may be upside down, mirrored or stretched, and is not detected, or detected in
the wrong place.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import cast

from av.buffer import Buffer
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame

_ONE = 1 << 16  # in the 16.16 fixed-point numbers of a display matrix


def display_matrix(frame: VideoFrame) -> bytes:
    """Return the display matrix of a frame or of its container, see `Turn.of_matrix`."""
    try:
        # The property `side_data` makes a cycle, in which frames wait for the garbage collector.
        container = SideDataContainer(frame)  # type: ignore[call-arg]  # the stub has no arguments
        return bytes(cast("Mapping[Type, Buffer]", container)[Type.DISPLAYMATRIX])
    except KeyError:
        turn_degrees = 0.0
    except ValueError:  # PyAV cannot list side data if it has no name for one (EXIF, views)
        turn_degrees = frame.rotation
    cos, sin = (round(_ONE * part(math.radians(turn_degrees))) for part in (math.cos, math.sin))
    return struct.pack("=9i", cos, -sin, 0, sin, cos, 0, 0, 0, _ONE << 14)


def square_size(
    width: int, height: int, aspect: Fraction | None, max_pixels: int
) -> tuple[int, int]:
    """Compute the size of a frame after its pixels are made square.

    One side is enlarged. Where this would exceed `max_pixels`, the other side is reduced instead.

    Args:
        width: Width of the coded frame in pixels.
        height: Height of the coded frame in pixels.
        aspect: Width of one pixel divided by its height; None or 0 where it is unknown.
        max_pixels: The largest area of the result in pixels.

    Returns:
        Width and height in pixels.
    """
    if not aspect or aspect <= 0 or aspect == 1:
        return width, height
    if aspect > 1:
        wider = round(width * aspect), height
        return wider if wider[0] * height <= max_pixels else (width, max(1, round(height / aspect)))
    higher = width, round(height / aspect)
    return higher if width * higher[1] <= max_pixels else (max(1, round(width * aspect)), height)
