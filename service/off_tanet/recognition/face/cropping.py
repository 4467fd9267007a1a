"""The canonical 112 x 112 grey crop of a face.

Coordinates are OpenCV's: the centre of a picture's first pixel is (0, 0).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.kernel import sample_crop
from off_tanet.types import CROP_SIZE, Crop, Pixels, Similarity

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

_MARGIN = 6.0  # crop pixels: the reach of the blur and of cubic sampling


def crop(pixels: Pixels, similarity: Similarity) -> Crop:
    """Crop a face.

    A face that is much larger than the crop is halved and blurred before it is sampled: without
    that, fine texture aliases and a motion of a fraction of a crop pixel gives false flow (0.24 px
    on average when shrinking by seven, 0.02 px with the blur). The conversion to grey comes before
    cubic sampling; both are linear, so that the published, opposite order differs by rounding
    alone. Halving rounds too, by 0.2 to 0.6 grey levels rms; in floats it takes twice the time.

    Args:
        pixels: The picture [H, W, 3].
        similarity: The transform [2, 3] from picture pixels to crop pixels.

    Returns:
        The crop [112, 112]. Border pixels are repeated beyond the picture.
    """
    window, transform = _window(pixels, similarity)
    levels = np.asarray(cv2.cvtColor(window, cv2.COLOR_BGR2GRAY), np.uint8)
    shrinking = 1 / math.hypot(transform[0, 0], transform[1, 0])
    while shrinking >= 4:
        levels, transform = _halved(levels, transform)
        shrinking /= 2
    return sample_crop(levels, _blur(shrinking), transform)


def whole(pixels: Pixels) -> Crop:
    """Scale a whole picture to a crop, for pictures that already are tight face crops.

    Args:
        pixels: The picture [H, W, 3]. It is averaged where it is larger than the crop, and
            interpolated with cubic polynomials where it is smaller.

    Returns:
        The crop [112, 112].
    """
    height, width = pixels.shape[:2]
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    reduced = min(width, CROP_SIZE), min(height, CROP_SIZE)
    grey = cv2.resize(grey, reduced, interpolation=cv2.INTER_AREA)
    grown = cv2.resize(grey, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, np.uint8)


def _window(pixels: Pixels, similarity: Similarity) -> tuple[Pixels, Similarity]:
    """The part of the picture that the crop depends on, and the transform from this part."""
    (a, b, x), (_, _, y) = cv2.invertAffineTransform(similarity).tolist()
    middle = (CROP_SIZE - 1) / 2
    reach = (middle + _MARGIN) * (abs(a) + abs(b))
    left, right = _span(a * middle + b * middle + x, reach, pixels.shape[1] - 1)
    top, bottom = _span(a * middle - b * middle + y, reach, pixels.shape[0] - 1)
    shifted = similarity.copy()
    shifted[:, 2] += similarity[:, :2] @ (left, top)
    return pixels[top : bottom + 1, left : right + 1], shifted


def _span(centre: float, reach: float, last: int) -> tuple[int, int]:
    """The first and the last pixel within reach; at least one."""
    ends = math.floor(centre - reach), math.ceil(centre + reach)
    first, final = (min(max(end, 0), last) for end in ends)
    return first, final


def _halved(grey: Grey, transform: Similarity) -> tuple[Grey, Similarity]:
    """The picture at half its size, and the transform from that size.

    OpenCV halves even sizes in a quarter of the time, so the last row or column may be left out. It
    is seldom within reach of the crop.
    """
    height, width = grey.shape
    even = grey[: max(1, height - height % 2), : max(1, width - width % 2)]
    size = np.array([max(1, width // 2), max(1, height // 2)])
    step = even.shape[::-1] / size
    composed = transform.copy()
    composed[:, :2] *= step
    composed[:, 2] += transform[:, :2] @ (step / 2 - 0.5)
    return np.asarray(cv2.resize(even, size.tolist()), np.uint8), composed


def _blur(shrinking: float) -> Floats:
    """The filter, from its middle on, to the resolution of a crop smaller by `shrinking`."""
    width = 0.45 * math.sqrt(max(shrinking**2 - 1, 0.0))
    reach = round(4 * width)
    # Of no width, OpenCV would choose one.
    kernel = cv2.getGaussianKernel(2 * reach + 1, max(width, 1e-3), cv2.CV_32F)
    return np.asarray(kernel[reach:, 0], np.float32)
