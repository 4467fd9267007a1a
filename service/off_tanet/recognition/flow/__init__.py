"""TV-L1 optical flow from the onset to the apex frame, as the field's reference computes it.

The kernel is C++ behind a plain C interface, called without the interpreter lock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.flow import builds
from off_tanet.types import Flow

SMALLEST_SIDE = 16
LARGEST_SIDE = 1024


def tvl1(onset: NDArray[np.uint8], apex: NDArray[np.uint8]) -> Flow:
    """The optical flow that carries `onset` to `apex`, both grey, uint8 [H, W].

    Returns float32 [2, H, W] in pixels, u to the right and v downwards. The method is TV-L1 (Zach,
    Pock, Bischof 2007) with the default parameters of OpenCV-contrib's `DualTVL1OpticalFlow`.
    Raises `ValueError` for another dtype, sizes that differ, or a side outside 16..1024 pixels.
    """
    flow: Flow = _flows(_checked("onset", onset, 2), _checked("apex", apex, 2), threads=1)[0]
    return flow


def tvl1_batch(
    onsets: NDArray[np.uint8], apexes: NDArray[np.uint8], *, threads: int
) -> NDArray[np.float32]:
    """`tvl1` of each pair of uint8 [N, H, W], on up to `threads` threads: float32 [N, 2, H, W].

    Bit for bit what `tvl1` gives for each pair. Raises `ValueError` as `tvl1` does.
    """
    if threads < 1:
        raise ValueError(f"threads is {threads}: it must be at least 1")
    return _flows(_checked("onsets", onsets, 3), _checked("apexes", apexes, 3), threads)


def build_name() -> str:
    """The kernel's build in use: avx512, avx2 or generic."""
    return _kernel().name


def _flows(
    onsets: NDArray[np.uint8], apexes: NDArray[np.uint8], threads: int
) -> NDArray[np.float32]:
    if onsets.shape != apexes.shape:
        raise ValueError(
            f"the frames' sizes differ: the onset has {onsets.shape}, the apex {apexes.shape}"
        )
    pairs, height, width = onsets.shape
    flows = np.empty((pairs, 2, height, width), np.float32)
    frames = (onsets.ctypes.data, apexes.ctypes.data)
    if _kernel().tvl1(*frames, pairs, width, height, threads, flows.ctypes.data) != 0:
        raise MemoryError("no memory for the optical flow")
    return flows


def _checked(name: str, frames: NDArray[np.uint8], dimensions: int) -> NDArray[np.uint8]:
    """The frames as [N, H, W] with their pixels one after another, as the kernel reads them."""
    shape = ("[H, W]", "[N, H, W]")[dimensions - 2]
    if not isinstance(frames, np.ndarray) or frames.dtype != np.uint8 or frames.ndim != dimensions:
        raise ValueError(f"{name} is no uint8 array {shape}")
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in frames.shape[-2:]):
        raise ValueError(
            f"{name} has shape {frames.shape}: "
            f"height and width must be {SMALLEST_SIDE} to {LARGEST_SIDE} pixels"
        )
    contiguous = np.ascontiguousarray(frames)
    return contiguous if dimensions == 3 else contiguous[np.newaxis]


def _kernel() -> builds.Kernel:
    # An editable install keeps the libraries apart from this file: look in each place.
    return builds.kernel(tuple(__path__))
