"""Conditions that impair the recognition of an expression: a turned head, occlusion, a blink.

Each is measured on the crop at the current landmarks and reported as a warning.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.detector import PLACES, similarity
from off_tanet.types import CROP_SIZE, Crop, Similarity

Marks = NDArray[np.float64]
"""Five landmarks in crop pixels, [5, 2], in the order of `Landmarks`."""

Floats = NDArray[np.float32]

# The distance of the nose from the line between eyes and mouth, in eye distances, is 0.14 at 30
# degrees of yaw, and its height between eyes (0) and mouth (1) leaves this range at 30 degrees of
# pitch; measured on a rendered portrait turned in space, and on a recording.
_NOSE_ASIDE = 0.13
_NOSE_HEIGHT = (0.36, 0.78)

_BLOCK = 14  # pixels; the outermost blocks show hair and background and are ignored
_INNER = slice(1, CROP_SIZE // _BLOCK - 1)
_ALIKE = 0.4  # the lowest correlation of a block with the remembered one that counts as unchanged
_LEAST_CONTRAST = 4.0  # grey levels; flatter blocks correlate by chance
# A hand over the mouth changes a third of the blocks, a laugh or 20 degrees of yaw a tenth.
_COVERED = 0.17
_RENEWAL, _RENEWAL_COVERED = 0.05, 0.03  # of the remembered face, for each landmark update

# The line of the mouth is darker than the lip above and the chin below it by at least this natural
# logarithm. Of 543 public photographs without a mask 0.5% showed less, of 155 filmed faces none for
# long; of 250 with a medical mask 99%, of 221 with masks of all kinds, many printed, black or in
# profile, 55%.
_MOUTH_COLUMNS = slice(42, 70)
_MOUTH_ROWS = slice(56, 107)
_LEAST_MOUTH = 0.12

_EYE = (5, 8)  # half the height and width of an eye, pixels
_SKIN_BELOW = (12, 20)  # rows below the eye
_DARK = 0.6  # of the skin's brightness
_CLOSED = 0.7  # of the share of dark pixels of the open eye
_DECAY = 0.998  # of the remembered share, for each frame
# 0.4% of the same photographs with open eyes had a smaller share. It detects closed eyes only where
# neither lashes nor shadows are visible: most have 0.15 to 0.3, as some open ones do.
_LEAST_DARK = 0.05

_DARKEST, _BRIGHTEST = 20.0, 220.0  # grey levels of the 2nd and 98th percentile after stretching


class VisibilityMonitor:
    """Detects a turned head, occlusion and blinks in the crops of one scene.

    The appearance of the undisturbed face is learned from the crops. What is hidden from the first
    frame on is detected by features that every face has: the line of the mouth and dark eyes.

    Attributes:
        covered: Whether something moved in front of the face, so that its landmarks are guesses.
    """

    def __init__(self) -> None:
        self.covered = False
        self._turned = self._masked = False
        self._upright: Similarity | None = None
        self._face: Floats | None = None
        self._open = 0.0

    def update(self, crop: Crop, marks: Marks, refreshed: bool) -> set[str]:
        """Process the next crop.

        Args:
            crop: The crop [112, 112].
            marks: The landmarks on the crop, [5, 2].
            refreshed: Whether the landmarks are those of this frame, not of an earlier one.

        Returns:
            The warnings that apply: `turned_head`, `occluded` and `blink`.
        """
        if refreshed or self._upright is None:
            self._turned = is_turned(marks)
            self._upright = similarity(marks, PLACES * CROP_SIZE - 0.5)
            upright = _moved(crop, self._upright)
            even = _evened(upright)
            self._masked = not self._turned and mouth_depth(even) < _LEAST_MOUTH
            self.covered = self._is_covered(upright)
        else:
            even = _evened(_moved(crop, self._upright))
        occluded = self._masked or self.covered
        warnings = {"turned_head": self._turned, "occluded": occluded}
        warnings["blink"] = self._is_closed(even) and not occluded
        return {warning for warning, applies in warnings.items() if applies}

    def _is_covered(self, upright: Floats) -> bool:
        covered = self._face is not None and changed(self._face, upright) > _COVERED
        if self._masked:
            return covered  # a mask is never learned as the appearance of the face
        if self._face is None:
            self._face = upright.copy()
        renewal = _RENEWAL_COVERED if covered else _RENEWAL
        self._face += renewal * (upright - self._face)
        return covered

    def _is_closed(self, even: Floats) -> bool:
        dark = dark_share(even)
        self._open = max(dark, self._open * _DECAY)
        return dark < max(_LEAST_DARK, _CLOSED * self._open)


def is_turned(marks: Marks) -> bool:
    """Return whether a head is turned by about 30 degrees or more, in yaw or pitch."""
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
    """Return the share of textured blocks that do not correlate between two crops, in any light."""
    first, second = _blocks(before), _blocks(after)
    contrasts = first.std(axis=-1), second.std(axis=-1)
    product = (first * second).mean(axis=-1)
    textured = np.maximum(*contrasts) > _LEAST_CONTRAST
    unlike = product < _ALIKE * contrasts[0] * contrasts[1]
    return float((unlike & textured).sum() / max(1, textured.sum()))


def dark_share(upright: Floats) -> float:
    """Return the share of pixels around the eyes that are darker than skin, 0..1.

    These are iris, lashes and the shadow of the lids. The share halves when the lids close.
    """
    shares = []
    for across, down in (PLACES[:2] * CROP_SIZE - 0.5).round().astype(int):
        columns = slice(across - _EYE[1], across + _EYE[1] + 1)
        eye = upright[down - _EYE[0] : down + _EYE[0] + 1, columns]
        skin = upright[down + _SKIN_BELOW[0] : down + _SKIN_BELOW[1], columns].mean()
        shares.append((eye < _DARK * skin).mean())
    return float(np.mean(shares))


def mouth_depth(upright: Floats) -> float:
    """Return the natural logarithm of the contrast of the mouth's line to the skin around it."""
    rows = np.log(upright[_MOUTH_ROWS, _MOUTH_COLUMNS] + 8).mean(axis=1)
    above, below = np.maximum.accumulate(rows), np.maximum.accumulate(rows[::-1])[::-1]
    return float((np.minimum(above, below) - rows).max())


def _evened(upright: Floats) -> Floats:
    """The crop with full contrast: a veil of light must not look like closed lids or a mask."""
    low, high = np.percentile(upright[::2, ::2], [2, 98])
    scale = (_BRIGHTEST - _DARKEST) / max(high - low, 1.0)
    return np.asarray(np.clip((upright - low) * scale + _DARKEST, 0, 255), np.float32)


def _moved(crop: Crop, upright: Similarity) -> Floats:
    """The crop with its landmarks moved to their canonical places, slightly blurred."""
    moved = cv2.warpAffine(crop, upright, (CROP_SIZE, CROP_SIZE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), 1.0), np.float32)


def _blocks(upright: Floats) -> Floats:
    """The deviations of the inner blocks from their means, [6, 6, pixels]."""
    count = CROP_SIZE // _BLOCK
    blocks = upright.reshape(count, _BLOCK, count, _BLOCK).transpose(0, 2, 1, 3)
    inner = blocks[_INNER, _INNER].reshape(count - 2, count - 2, -1)
    return np.asarray(inner - inner.mean(axis=-1, keepdims=True), np.float32)
