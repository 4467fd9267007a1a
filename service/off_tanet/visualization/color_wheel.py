"""The Middlebury colour wheel: hue for the direction of a flow, saturation for its length.

S. Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 92, 2011.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from off_tanet.types import Flow, Pixels
from off_tanet.visualization.canvas import WHITE


def flow_colours(flow: Flow) -> Pixels:
    """Colour a flow by direction and length.

    Args:
        flow: The flow [2, H, W]; vectors of length 1 have full saturation, longer ones are darker.

    Returns:
        The colours [H, W, 3].
    """
    wheel = _wheel()
    length, angle = np.hypot(*flow), np.arctan2(-flow[1], -flow[0])
    place = (angle / np.pi + 1) / 2 * len(wheel)  # starts at red, which is rightwards
    below = np.floor(place).astype(int)
    part = (place - below)[..., None]
    hue = (1 - part) * wheel[below % len(wheel)] + part * wheel[(below + 1) % len(wheel)]
    inside = 1 - length[..., None] * (1 - hue)
    colour = np.where(length[..., None] <= 1, inside, 0.75 * hue)
    return np.asarray(np.rint(255 * colour[..., ::-1]), np.uint8)


def disc(size: int) -> Pixels:
    """Draw the legend, [size, size, 3]: each place has the colour of the motion towards it."""
    steps = np.linspace(-1, 1, size, dtype=np.float32)
    flow = np.stack(np.meshgrid(steps, steps))
    colours = flow_colours(flow)
    colours[np.hypot(*flow) > 1] = WHITE
    return colours


def _wheel() -> NDArray[np.float64]:
    """The 55 hues of the wheel, [55, 3] red, green, blue in 0..1.

    In each of six arcs one channel rises or falls while the others are constant. The arcs are long
    where the eye distinguishes many hues.
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
