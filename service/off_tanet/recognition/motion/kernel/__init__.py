"""The arithmetic of registration and of the fit of a head's motion, in C++.

In NumPy, half of their time was that of its calls, two hundred for each frame. The library has a
plain C interface and is called without the interpreter lock.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from off_tanet import native
from off_tanet.recognition import flow
from off_tanet.types import Crop

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class _Reference(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("crop", "levels", "slopes", "light")),
        *((name, ctypes.c_void_p) for name in ("prior", "light_prior", "solution")),
        ("terms", ctypes.c_int),
    )


class _Fit(ctypes.Structure):
    _fields_ = (
        ("motion", ctypes.c_void_p),
        ("terms", ctypes.c_void_p),
        ("level", ctypes.c_float),
    )


class _Head(ctypes.Structure):
    _fields_ = (
        ("terms", ctypes.c_void_p),
        ("places", ctypes.c_void_p),
        ("count", ctypes.c_int),
    )


class Registrar:
    """Registers successive crops with a reference, each from the fit of the one before.

    Args:
        crop: The reference crop [112, 112].
        levels: Its samples [56, 56].
        slopes: The gradients of these to the right and downwards, [2, 56, 56], 0 near the edge.
        light: Their derivatives by the terms of light, [terms, 56, 56], 0 near the edge.
        prior: The precision of the motion of the cells along one axis, [196, 196].
        light_prior: The precision of each term of light, [terms].
        solution: The matrix from the gradient by all motions, u and v of each cell, and terms to
            the step that undoes it, [392 + terms, 392 + terms].

    Attributes:
        motion: u and v of each cell in the latest fit, [196, 2], in samples.
    """

    def __init__(
        self,
        *,
        crop: Crop,
        levels: Floats,
        slopes: Floats,
        light: Floats,
        prior: Floats,
        light_prior: Floats,
        solution: Floats,
    ) -> None:
        pictures = {"levels": levels, "slopes": slopes, "light": light}
        matrices = {"prior": prior, "light_prior": light_prior, "solution": solution}
        self._arrays = {name: _floats(each) for name, each in {**pictures, **matrices}.items()}
        self._crop = np.ascontiguousarray(crop)
        addresses = {name: each.ctypes.data for name, each in self._arrays.items()}
        self._reference = _Reference(
            crop=self._crop.ctypes.data, terms=len(light_prior), **addresses
        )
        self.motion: Floats = np.zeros((len(prior), 2), np.float32)
        self._terms = np.zeros(len(light_prior), np.float32)
        self._fit = _Fit(self.motion.ctypes.data, self._terms.ctypes.data, 0.0)

    def register(self, crop: Crop, fine_light: Floats | None) -> None:
        """Fit motion and light of the next crop.

        Args:
            crop: The crop [112, 112].
            fine_light: The derivatives of the whole reference by the terms of light, [terms, 112,
                112], if the crop is clipped: the reference is then limited to 0 and 255, too.

        Raises:
            MemoryError: If there is not enough memory.
        """
        levels = np.ascontiguousarray(crop)
        fine = None if fine_light is None else fine_light.ctypes.data
        reference, fit = ctypes.byref(self._reference), ctypes.byref(self._fit)
        if _library().off_tanet_register_crop(reference, fine, levels.ctypes.data, fit) != 0:
            raise MemoryError("no memory for the registration")


class HeadFitter:
    """Fits the motion of a rigid head to the motion of cells, as `HeadMotionEstimator` describes.

    Args:
        terms: (x, y, 1, depth) of all cells, [cells, 4].
        rigid: The indices of the cells that count.
    """

    def __init__(self, terms: Doubles, rigid: NDArray[np.intp]) -> None:
        self._terms = np.ascontiguousarray(terms[rigid].T, np.float64)
        self._places = rigid.astype(np.int32)
        self._head = _Head(self._terms.ctypes.data, self._places.ctypes.data, len(self._places))

    def fit(self, motion: NDArray[np.floating[Any]]) -> Doubles:
        """Fit the matrix [2, 4] from terms to motion.

        Args:
            motion: u and v of each cell, [cells, 2], in pixels.

        Raises:
            MemoryError: If there is not enough memory.
        """
        cells, matrix = np.ascontiguousarray(motion, np.float64), np.empty((2, 4))
        head = ctypes.byref(self._head)
        if _library().off_tanet_fit_head(head, cells.ctypes.data, matrix.ctypes.data) != 0:
            raise MemoryError("no memory for the fit of the head")
        return matrix


def _floats(array: Floats) -> Floats:
    return np.ascontiguousarray(array, np.float32)


def _library() -> ctypes.CDLL:
    # The processor that runs a build of the flow runs the same build of this library.
    return _load(flow.build_name())


@cache
def _load(build: str) -> ctypes.CDLL:
    library = ctypes.CDLL(native.library(__path__, f"motion_{build}"))
    library.off_tanet_register_crop.argtypes = (ctypes.c_void_p,) * 4
    library.off_tanet_fit_head.argtypes = (ctypes.c_void_p,) * 3
    return library
