"""The arithmetic of the face stage that runs on every frame, in C++.

In NumPy, most of its time was that of the calls on arrays of a few dozen numbers. The library has a
plain C interface and is called without the interpreter lock.
"""

from __future__ import annotations

import ctypes
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet import native
from off_tanet.recognition import flow
from off_tanet.types import CROP_SIZE, Crop, Similarity

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_NO_ANSWER = 2  # a code of c_api.cpp


class _Grey(ctypes.Structure):
    _fields_ = (
        ("levels", ctypes.c_void_p),
        ("stride", ctypes.c_ssize_t),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
    )


class _Filter(ctypes.Structure):
    _fields_ = (("weights", ctypes.c_void_p), ("reach", ctypes.c_int))


class _Target(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("x", "y", "places")),
        *((name, ctypes.c_int) for name in ("count", "steps")),
    )


class _Appearance(ctypes.Structure):
    _fields_ = (("mouth_depth", ctypes.c_double), ("dark_share", ctypes.c_double))


def sample_crop(grey: NDArray[np.uint8], weights: Floats, similarity: Similarity) -> Crop:
    """Filter a picture and sample a crop with cubic polynomials.

    It is cv2.sepFilter2D to floats and cv2.warpAffine in two thirds of the time.

    Args:
        grey: The picture [H, W], H and W >= 1.
        weights: The weights of a symmetric filter from its middle on, [reach + 1]; [1] for none.
        similarity: The transform [2, 3] from picture pixels to crop pixels.

    Returns:
        The crop [112, 112]. Border pixels are repeated beyond the picture.

    Raises:
        MemoryError: If there is not enough memory.
    """
    grey, weights = np.ascontiguousarray(grey), np.ascontiguousarray(weights)
    height, width = grey.shape
    picture = _Grey(grey.ctypes.data, width, width, height)
    smoothing = _Filter(weights.ctypes.data, len(weights) - 1)
    back = np.asarray(cv2.invertAffineTransform(similarity), np.float64)
    crop = np.empty((CROP_SIZE, CROP_SIZE), np.uint8)
    structures = ctypes.byref(picture), ctypes.byref(smoothing)
    if _library().off_tanet_sample_crop(*structures, back.ctypes.data, crop.ctypes.data) != 0:
        raise MemoryError("no memory for a crop")
    return crop


class SimilarityFitter:
    """Fits similarities from points to a target by reweighted least squares.

    Args:
        target: x and y of all points of the target, and possibly z, [points, 2 or 3].
        counted: The indices of the points that count.
        steps: The number of fits; in the first one, all these points have the same weight.
    """

    def __init__(self, target: Doubles, counted: NDArray[np.intp], steps: int) -> None:
        self._count = len(target)
        self._x, self._y = np.ascontiguousarray(target[counted, :2].T, np.float64)
        self._places = counted.astype(np.int32)
        addresses = (array.ctypes.data for array in (self._x, self._y, self._places))
        self._target = _Target(*addresses, len(self._places), steps)

    def fit(self, points: Doubles) -> Similarity:
        """Fit the transform [2, 3] from points, [points, 2 or 3], to those of the target.

        Raises:
            ValueError: If the number of points is another one, or they are all one point.
            MemoryError: If there is not enough memory.
        """
        if points.shape not in ((self._count, 2), (self._count, 3)):
            raise ValueError(f"the points have shape {points.shape}")
        x, y = np.ascontiguousarray(points.T[:2], np.float64)
        places, similarity = (x.ctypes.data, y.ctypes.data), np.empty((2, 3))
        target = ctypes.byref(self._target)
        code = _library().off_tanet_fit_similarity(target, *places, similarity.ctypes.data)
        if code == _NO_ANSWER:
            raise ValueError("points that are all one point have no similarity to others")
        if code != 0:
            raise MemoryError("no memory for the fit of a similarity")
        return similarity


def appearance(upright: Floats, eyes: NDArray[np.intc]) -> tuple[float, float]:
    """Measure a crop whose landmarks lie at those of the average face, with its contrast stretched.

    Args:
        upright: The crop [112, 112], slightly blurred.
        eyes: Column and row of the centres of both eyes, [2, 2]: 8 to 103 and 5 to 92.

    Returns:
        The natural logarithm of the contrast of the mouth's line to the skin around it, and the
        share of the pixels around the eyes that are darker than skin, 0..1.
    """
    found = _Appearance()
    crop, centres = _crop(upright), np.ascontiguousarray(eyes, np.intc)
    _library().off_tanet_measure_appearance(
        crop.ctypes.data, centres.ctypes.data, ctypes.byref(found)
    )
    return found.mouth_depth, found.dark_share


def changed_share(before: Floats, after: Floats) -> float:
    """Return the share of textured blocks that do not correlate between two crops [112, 112]."""
    first, second = _crop(before), _crop(after)
    share: float = _library().off_tanet_changed_share(first.ctypes.data, second.ctypes.data)
    return share


def _crop(levels: Floats) -> Floats:
    """The levels as the library reads them, from raw memory."""
    if levels.shape != (CROP_SIZE, CROP_SIZE):
        raise ValueError(f"the crop has shape {levels.shape}")
    return np.ascontiguousarray(levels, np.float32)


def _library() -> ctypes.CDLL:
    # The processor that runs a build of the flow runs the same build of this library.
    return _load(flow.build_name())


@cache
def _load(build: str) -> ctypes.CDLL:
    library = ctypes.CDLL(native.library(__path__, f"face_{build}"))
    library.off_tanet_sample_crop.argtypes = (ctypes.c_void_p,) * 4
    library.off_tanet_fit_similarity.argtypes = (ctypes.c_void_p,) * 4
    library.off_tanet_measure_appearance.argtypes = (ctypes.c_void_p,) * 3
    library.off_tanet_measure_appearance.restype = None
    library.off_tanet_changed_share.argtypes = (ctypes.c_void_p,) * 2
    library.off_tanet_changed_share.restype = ctypes.c_double
    return library
