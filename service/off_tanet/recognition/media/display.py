"""How a decoded frame is to be shown: turned, mirrored, and with square pixels.

Telephones, action cameras and editors store frames as the sensor or the codec likes them and say in
the container how a player is to show them; a face that stands on its head, in a mirror or is twice
as tall is not found, or found in the wrong place.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import cast

from av.buffer import Buffer
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from off_tanet.types import Pixels

_ONE = 1 << 16  # in the 16.16 numbers of a display matrix


def matrix_of(frame: VideoFrame) -> bytes:
    """The display matrix that came with the frame or its container: nine numbers, see `upright`."""
    try:
        return bytes(cast("Mapping[Type, Buffer]", frame.side_data)[Type.DISPLAYMATRIX])
    except KeyError:
        turn_degrees = 0.0
    except ValueError:  # PyAV lists no side data beside one that it has no name for (EXIF, views)
        turn_degrees = frame.rotation
    cos, sin = (round(_ONE * part(math.radians(turn_degrees))) for part in (math.cos, math.sin))
    return struct.pack("=9i", cos, -sin, 0, sin, cos, 0, 0, 0, _ONE << 14)


def upright(pixels: Pixels, matrix: bytes) -> Pixels:
    """`pixels` [H, W, 3] as a display matrix asks for, as a view.

    Of a matrix that is none of the eight turns and mirrors, the nearest of them is applied, as
    browsers do; one that is as near to a turn as to none, at 45 degrees, turns nothing.

    Args:
        pixels: The frame as it is coded.
        matrix: Nine 32-bit numbers in the machine's order, as FFmpeg gives them: the pixel (x, y)
            goes to (m0 x + m3 y, m1 x + m4 y).
    """
    x_to_x, x_to_y, _, y_to_x, y_to_y, *_ = struct.unpack("=9i", matrix)
    if abs(x_to_y) + abs(y_to_x) > abs(x_to_x) + abs(y_to_y):
        pixels, across, down = pixels.transpose(1, 0, 2), y_to_x, x_to_y
    else:
        across, down = x_to_x, y_to_y
    if across < 0:
        pixels = pixels[:, ::-1]
    return pixels[::-1] if down < 0 else pixels


def square_size(width: int, height: int, aspect: Fraction | None, most: int) -> tuple[int, int]:
    """The size of a frame with square pixels: wider or higher, never over `most` pixels.

    Args:
        width: Of the frame as it is coded.
        height: Of the frame as it is coded.
        aspect: Width through height of one pixel; None or 0 where it is not known.
        most: Pixels that the frame may have; where it would have more, its other side shrinks.
    """
    if not aspect or aspect <= 0 or aspect == 1:
        return width, height
    if aspect > 1:
        wider = round(width * aspect), height
        return wider if wider[0] * height <= most else (width, max(1, round(height / aspect)))
    higher = width, round(height / aspect)
    return higher if width * higher[1] <= most else (max(1, round(width * aspect)), height)
