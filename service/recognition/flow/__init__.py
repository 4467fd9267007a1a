"""TV-L1 optical flow from the onset to the apex frame, as the field's reference computes it.

The kernel is C++ behind a plain C interface; ctypes lets go of the interpreter lock while it runs.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.recognition.types import Flow

SMALLEST_SIDE = 16
LARGEST_SIDE = 1024


def tvl1(onset: NDArray[np.uint8], apex: NDArray[np.uint8]) -> Flow:
    """The optical flow that carries `onset` to `apex`, both grey, uint8 [H, W].

    Returns float32 [2, H, W] in pixels, u to the right and v downwards. The method is TV-L1 (Zach,
    Pock, Bischof 2007) with the default parameters of OpenCV-contrib's `DualTVL1OpticalFlow`.
    Raises `ValueError` for another dtype, sizes that differ, or a side outside 16..1024 pixels.
    """
    onset, apex = _checked("onset", onset), _checked("apex", apex)
    if onset.shape != apex.shape:
        raise ValueError(f"onset is {onset.shape} and apex {apex.shape}: their sizes differ")
    height, width = onset.shape
    flow = np.empty((2, height, width), np.float32)
    if _kernel()(onset.ctypes.data, apex.ctypes.data, width, height, flow.ctypes.data) != 0:
        raise MemoryError("no memory for the optical flow")
    return flow


def _checked(name: str, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame with its pixels one after another, as the kernel reads them."""
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 2:
        raise ValueError(f"{name} is no uint8 array [H, W]")
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in frame.shape):
        raise ValueError(
            f"{name} is {frame.shape}: each side must have {SMALLEST_SIDE} to {LARGEST_SIDE} pixels"
        )
    return np.ascontiguousarray(frame)


@cache
def _kernel() -> ctypes._NamedFuncPointer:
    # An editable install keeps the library apart from this file: look in each place.
    found = [path for place in __path__ for path in Path(place).glob("libtvl1.*")]
    function = ctypes.CDLL(str(found[0])).off_tanet_tvl1
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    function.argtypes = (pointer, pointer, integer, integer, pointer)
    function.restype = integer
    return function
