"""Whether two crops show one person in one scene."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.spotting.cuts import is_cut
from off_tanet.types import CROP_SIZE, Crop

Floats = NDArray[np.float64]

# On a head that turned by more, the same face looks like another one.
_TURNED_DEG = 10.0


def are_different_scenes(onset: TrackedFrame, apex: TrackedFrame) -> bool:
    """Decide whether two frames of a clip show different scenes or people, as `differs` does.

    A face that was followed within one scene is the same one if its head has turned.

    Args:
        onset: A frame with a crop.
        apex: A later frame with a crop.

    Returns:
        Whether they do.
    """
    followed = onset.scene == apex.scene and turn_deg(onset, apex) > _TURNED_DEG
    return not followed and differs(onset, apex)


def turn_deg(first: TrackedFrame, second: TrackedFrame) -> float:
    """Return the larger one of the changes of yaw and pitch, in degrees; 0 if not known."""
    if first.signals is None or second.signals is None:
        return 0.0
    before, after = first.signals.pose, second.signals.pose
    return max(abs(after.yaw - before.yaw), abs(after.pitch - before.pitch))


def differs(onset: TrackedFrame, apex: TrackedFrame) -> bool:
    """Decide whether two frames show different scenes or people.

    Where both faces have landmarks, those of the apex are laid on those of the onset before the
    crops are compared as by `is_cut`: turns of the head and expressions no longer make one person
    look like two, and two people in the same place no longer look like one.

    Args:
        onset: A frame with a crop.
        apex: Another frame with a crop.

    Returns:
        Whether they do.
    """
    if onset.crop is None or apex.crop is None:
        raise ValueError("a frame shows no face")
    if onset.landmarks is None or apex.landmarks is None:
        return is_cut(onset.crop, apex.crop)
    return is_cut(onset.crop, reshaped(apex.crop, apex.landmarks, onset.landmarks))


def reshaped(crop: Crop, landmarks: NDArray[np.floating], target: NDArray[np.floating]) -> Crop:
    """Warp a crop such that its landmarks lie near those of another one.

    Args:
        crop: The crop [112, 112].
        landmarks: Its landmarks in crop pixels, [468, 3].
        target: The landmarks of the other crop, [468, 3].

    Returns:
        The crop [112, 112], warped by the quadratic function of the place that fits best.
    """
    terms = _quadratic(target)
    # The normal equations: six unknowns instead of 468 equations.
    fitted, *_ = np.linalg.lstsq(terms.T @ terms, terms.T @ landmarks[:, :2], rcond=None)
    x, y = (fitted.T.astype(np.float32) @ _TERMS).reshape(2, CROP_SIZE, CROP_SIZE)
    warped = cv2.remap(crop, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def _quadratic(points: NDArray[np.floating]) -> Floats:
    """The terms of a quadratic function of x and y at each point, [N, 6]."""
    x, y = (points[:, :2].astype(np.float64).T - CROP_SIZE / 2) / (CROP_SIZE / 2)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


_PIXELS = np.indices((CROP_SIZE, CROP_SIZE), np.float64)[::-1].reshape(2, -1).T
_TERMS = np.ascontiguousarray(_quadratic(_PIXELS).T.astype(np.float32))  # of all pixels, [6, N]
