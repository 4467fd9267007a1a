"""Detection of cuts between two crops."""

from __future__ import annotations

import cv2
import numpy as np

from off_tanet.types import Crop

_CUT_SIZE = 14
_CUT_CORRELATION = 0.5


def is_cut(a: Crop, b: Crop) -> bool:
    """Decide whether two crops show different scenes.

    They do if their averages over 14 x 14 cells correlate by less than 0.5. The same face stays
    above 0.7 with 6 px of head motion, strong expressions and changes of light; other pictures
    stay below 0.5. Another face in the same place often exceeds it.

    Args:
        a: A crop [112, 112].
        b: Another crop [112, 112].

    Returns:
        Whether there is a cut between the two.
    """
    size = (_CUT_SIZE, _CUT_SIZE)
    coarse = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in (a, b)]
    first, second = (picture - picture.mean() for picture in coarse)
    contrast = float(np.linalg.norm(first) * np.linalg.norm(second))
    if contrast == 0:  # the correlation with a flat picture is undefined
        return bool(first.any() or second.any())
    return float((first * second).sum()) < _CUT_CORRELATION * contrast
