"""Pictures, crops, and the faces on them.

The server and the client import the types without NumPy, which the arrays alone need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[np.uint8]"
"""A colour picture, [H, W, 3], in the order blue, green, red, as in OpenCV."""

Crop: TypeAlias = "NDArray[np.uint8]"
"""An aligned grey face crop, [112, 112]: eye centres near (.27, .28) and (.73, .28)."""

Flow: TypeAlias = "NDArray[np.float32]"
"""Optical flow from onset to apex, [2, H, W]: u to the right, v downwards, in pixels."""

Attention: TypeAlias = "NDArray[np.float32]"
"""Attention map of the network over the crop, [14, 14], each value in 0..1."""

Similarity: TypeAlias = "NDArray[np.float64]"
"""A 2 x 3 similarity transform from image pixels to crop pixels."""

CROP_SIZE = 112
"""Width and height of a Crop in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture, with its position in the clip.

    Attributes:
        pixels: The picture.
        index: Index of the frame, from 0.
        time_s: Seconds from the start of the clip.
    """

    pixels: Pixels
    index: int = 0
    time_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five points (x, y) in image pixels. Left and right are those of the image."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face.

    Attributes:
        box: Bounding box (x, y, width, height) in image pixels.
        score: Score of the detector, 0..1.
        landmarks: Points of the face in image pixels.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: Landmarks

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.box[2] * self.box[3]


@dataclass(frozen=True, slots=True)
class Moment:
    """Position of a frame in its clip.

    Attributes:
        index: Index of the frame, from 0.
        time_s: Seconds from the start of the clip.
    """

    index: int
    time_s: float
