"""TV-L1 optical flow from the onset to the apex frame, with the parameters of OpenCV-contrib.

The kernel is written in C++ with a plain C interface and is called without the interpreter lock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.flow import builds
from off_tanet.types import Flow

SMALLEST_SIDE = 16
LARGEST_SIDE = 1024


def tvl1(onset: NDArray[np.uint8], apex: NDArray[np.uint8]) -> Flow:
    """Compute the optical flow from `onset` to `apex`.

    The method is TV-L1 (C. Zach, T. Pock and H. Bischof, "A Duality Based Approach for Realtime
    TV-L1 Optical Flow", DAGM 2007) with the default parameters of OpenCV-contrib's
    `DualTVL1OpticalFlow`.

    Args:
        onset: Grey image, uint8 [H, W], with sides of 16 to 1024 pixels.
        apex: Grey image of the same shape.

    Returns:
        The flow, float32 [2, H, W], in pixels: u to the right, v downwards.

    Raises:
        ValueError: If an array has another dtype or number of dimensions, the shapes differ, or a
            side is outside 16..1024 pixels.
        MemoryError: If there is not enough memory.
    """
    onset, apex = _checked("onset", onset), _checked("apex", apex)
    if onset.shape != apex.shape:
        raise ValueError(
            f"the frames' sizes differ: the onset has {onset.shape}, the apex {apex.shape}"
        )
    height, width = onset.shape
    flow = np.empty((2, height, width), np.float32)
    frames = onset.ctypes.data, apex.ctypes.data
    if kernel().tvl1(*frames, width, height, flow.ctypes.data) != 0:
        raise MemoryError("no memory for the optical flow")
    return flow


def build_name() -> str:
    """Return the name of the kernel build in use: avx512, avx2 or generic."""
    return kernel().name


def _checked(name: str, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame with its pixels contiguous in memory, as the kernel reads them."""
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 2:
        raise ValueError(f"{name} is no uint8 array [H, W]")
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in frame.shape):
        raise ValueError(
            f"{name} has shape {frame.shape}: "
            f"height and width must be {SMALLEST_SIDE} to {LARGEST_SIDE} pixels"
        )
    return np.ascontiguousarray(frame)


def kernel() -> builds.Kernel:
    """Return the build in use."""
    # An editable install keeps the libraries in another folder than this file.
    return builds.kernel(tuple(__path__))
