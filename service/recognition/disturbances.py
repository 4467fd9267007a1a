"""What spoils a face crop for reading an expression: a turned head, a hand, closed eyes.

Each is measured on the crop at the landmarks' present places and told by the contract's word.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from service.recognition.face import PLACES, similarity
from service.recognition.types import CROP_SIZE, Crop, Similarity

Marks = NDArray[np.float64]
"""The five landmarks on the crop, [5, 2], in the order of `Landmarks`."""

Floats = NDArray[np.float32]

# The nose's distance from the line between eyes and mouth, in eye distances, is 0.14 at 30 degrees
# of yaw, and its height between eyes (0) and mouth (1) leaves this range at 30 degrees of pitch;
# measured on a portrait turned in space, and on a recorded one.
_NOSE_ASIDE = 0.13
_NOSE_HEIGHT = (0.36, 0.78)

_BLOCK = 14  # pixels; the outermost blocks show hair and background, and do not count
_INNER = slice(1, CROP_SIZE // _BLOCK - 1)
_ALIKE = 0.4  # the least correlation of a block with the same block before
_LEAST_CONTRAST = 4.0  # grey levels; flatter blocks correlate by chance
# A hand that covers the mouth changes a third of the blocks, a laugh or 20 degrees of yaw a tenth.
_COVERED = 0.17
_RENEWAL, _RENEWAL_COVERED = 0.05, 0.03  # of the remembered face, for each look

_EYE = (5, 8)  # half of an eye's height and width, pixels
_SKIN_BELOW = (12, 20)  # rows below the eye
_DARK = 0.6  # of the skin's brightness
_CLOSED = 0.7  # of the share of dark pixels that the open eye has
_FORGETTING = 0.998  # for each frame


class Disturbances:
    """Watches one scene. What a face looks like undisturbed is learnt on the way."""

    def __init__(self) -> None:
        self.occluded = False
        self._turned = False
        self._upright: Similarity = np.eye(2, 3)
        self._face: Floats | None = None
        self._open = 0.0

    def seen(self, crop: Crop, marks: Marks, looked: bool) -> set[str]:
        """The words for this crop; `looked` says that the landmarks are of this very frame."""
        looked |= self._face is None
        if looked:
            self._turned = is_turned(marks)
            self._upright = similarity(marks, PLACES * CROP_SIZE - 0.5)
        upright = _moved(crop, self._upright)
        if looked:
            self.occluded = self._is_covered(upright)
        words = {"turned_head": self._turned, "occluded": self.occluded}
        words["blink"] = self._is_closed(upright) and not self.occluded
        return {word for word, applies in words.items() if applies}

    def _is_covered(self, upright: Floats) -> bool:
        if self._face is None:
            self._face = upright.copy()
        covered = changed(self._face, upright) > _COVERED
        renewal = _RENEWAL_COVERED if covered else _RENEWAL
        self._face += renewal * (upright - self._face)
        return covered

    def _is_closed(self, upright: Floats) -> bool:
        dark = dark_share(upright)
        self._open = max(dark, self._open * _FORGETTING)
        return dark < _CLOSED * self._open


def is_turned(marks: Marks) -> bool:
    """Whether a head is turned by about 30 degrees or more, up, down or aside."""
    left, right, nose, *mouth = marks
    eyes, lips = (left + right) / 2, (mouth[0] + mouth[1]) / 2
    axis, distance = lips - eyes, float(np.hypot(*(right - left)))
    length = float(np.hypot(*axis))
    if not length or not distance:
        return True
    height = float((nose - eyes) @ axis) / length**2
    across = np.array([-axis[1], axis[0]]) / length
    aside = abs(float((nose - eyes) @ across)) / distance
    return aside > _NOSE_ASIDE or not _NOSE_HEIGHT[0] < height < _NOSE_HEIGHT[1]


def changed(before: Floats, after: Floats) -> float:
    """The share of the face's blocks that no longer look alike, whatever the light."""
    first, second = _blocks(before), _blocks(after)
    contrasts = first.std(axis=-1), second.std(axis=-1)
    product = (first * second).mean(axis=-1)
    textured = np.maximum(*contrasts) > _LEAST_CONTRAST
    unlike = product < _ALIKE * contrasts[0] * contrasts[1]
    return float((unlike & textured).sum() / max(1, textured.sum()))


def dark_share(upright: Floats) -> float:
    """The share of the eyes' surroundings that is darker than skin: iris, lashes and the lids'
    shadow. It halves when the lids close."""
    shares = []
    for across, down in (PLACES[:2] * CROP_SIZE - 0.5).round().astype(int):
        columns = slice(across - _EYE[1], across + _EYE[1] + 1)
        eye = upright[down - _EYE[0] : down + _EYE[0] + 1, columns]
        skin = upright[down + _SKIN_BELOW[0] : down + _SKIN_BELOW[1], columns].mean()
        shares.append((eye < _DARK * skin).mean())
    return float(np.mean(shares))


def _moved(crop: Crop, upright: Similarity) -> Floats:
    """The crop with its landmarks brought to their canonical places, a little blurred."""
    moved = cv2.warpAffine(crop, upright, (CROP_SIZE, CROP_SIZE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), 1.0), np.float32)


def _blocks(upright: Floats) -> Floats:
    """The inner blocks' deviations from their means, [6, 6, pixels]."""
    count = CROP_SIZE // _BLOCK
    blocks = upright.reshape(count, _BLOCK, count, _BLOCK).transpose(0, 2, 1, 3)
    inner = blocks[_INNER, _INNER].reshape(count - 2, count - 2, -1)
    return np.asarray(inner - inner.mean(axis=-1, keepdims=True), np.float32)
