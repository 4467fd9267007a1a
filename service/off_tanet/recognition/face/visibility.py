"""Conditions that impair the recognition of an expression: a turned head, occlusion, a blink.

Each is measured on the crop at the current landmarks and reported as a warning.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.alignment import transform
from off_tanet.recognition.face.geometry import AVERAGE
from off_tanet.recognition.face.kernel import appearance, changed_share
from off_tanet.recognition.face.mesh import five_points
from off_tanet.recognition.face.pose import HeadPose
from off_tanet.recognition.face.signals import FaceSignals
from off_tanet.recognition.face.warping import warp
from off_tanet.types import CROP_SIZE, Crop, Similarity

Points = NDArray[np.float64]

Floats = NDArray[np.float32]

# Degrees of the measured pose. Of 12 photographs turned in space by 30 degrees the mesh reads 24 of
# yaw (16 to 30) and 22 of pitch (14 to 32), of heads turned by 15 degrees 12 and 10.
_TURNED_YAW, _TURNED_PITCH = 20.0, 22.0

# Shares of the blocks, with the expression undone. A hand over the mouth changes a third of them, a
# laugh or 20 degrees of yaw a tenth. What has come stays until less than half of that is left.
_COVERED, _STILL_COVERED = 0.3, 0.15
_RENEWAL, _RENEWAL_COVERED = 0.017, 0.01  # of the remembered face, for each frame

# The line of the mouth is darker than the lip above and the chin below it by at least this natural
# logarithm. Of 543 public photographs without a mask 0.5% showed less, of 155 filmed faces none for
# long; of 250 with a medical mask 99%, of 221 with masks of all kinds, many printed, black or in
# profile, 55%.
_LEAST_MOUTH = 0.12

# Eyes are closed below the first share of the widest opening that was seen, or below the second one
# where the dark pixels of the open eye are gone, too. Open eyes are 0.17 to 0.35 as high as wide.
_CLOSED, _HALF_CLOSED = 0.62, 0.8
_DARK_CLOSED = 0.7
_DECAY = 0.998  # of what is remembered, for each frame
_EYES = five_points(AVERAGE)[:2].round().astype(np.intc)
# 0.4% of 543 public photographs with open eyes had a smaller share of dark pixels. It detects eyes
# that are closed from the start only where neither lashes nor shadows are visible.
_LEAST_DARK = 0.05

_BLUR = cv2.getGaussianKernel(7, 1.0, cv2.CV_32F)


class VisibilityMonitor:
    """Detects a turned head, occlusion and blinks in the crops of one scene.

    The appearance of the undisturbed face is learned from the crops. What is hidden from the first
    frame on is detected by features that every face has: the line of the mouth and open eyes.

    Attributes:
        covered: Whether something moved in front of the face, so that its landmarks are guesses.
    """

    def __init__(self) -> None:
        self.covered = False
        self._face: Floats | None = None
        self._places = np.zeros((0, 2))  # of the landmarks of this face
        self._open = self._dark = 0.0

    def update(
        self, crop: Crop, landmarks: Points, signals: FaceSignals, where: Similarity
    ) -> set[str]:
        """Process the next crop.

        Args:
            crop: The crop [112, 112].
            landmarks: The landmarks in crop pixels, [468, 3].
            signals: The measurements of the face.
            where: The transform [2, 3] from the crop to the average face, as `fit_average` returns
                it for the landmarks.

        Returns:
            The warnings that apply: `turned_head`, `occluded` and `blink`.
        """
        turned = is_turned(signals.pose)
        upright = _upright(crop, where)
        mouth_depth, dark = appearance(upright, _EYES)
        masked = not turned and mouth_depth < _LEAST_MOUTH
        self.covered = self._is_covered(upright, transform(landmarks[:, :2], where), masked)
        occluded = masked or (self.covered and not turned)
        warnings = {"turned_head": turned, "occluded": occluded}
        warnings["blink"] = self._is_closed(signals.eyes, dark) and not (occluded or turned)
        return {warning for warning, applies in warnings.items() if applies}

    def _is_covered(self, upright: Floats, places: Points, masked: bool) -> bool:
        covered = self._has_changed(upright, places)
        if masked:
            return covered  # a mask is never learned as the appearance of the face
        if self._face is None:
            self._face, self._places = upright.copy(), places
        renewal = _RENEWAL_COVERED if covered else _RENEWAL
        self._face += renewal * (upright - self._face)
        self._places = self._places + renewal * (places - self._places)
        return covered

    def _has_changed(self, upright: Floats, places: Points) -> bool:
        """Whether something else is seen in the place of the face, in any expression."""
        most = _STILL_COVERED if self.covered else _COVERED
        if self._face is None or changed_share(self._face, upright) <= most:
            return False
        return changed_share(self._face, warp(upright, places, self._places)) > most

    def _is_closed(self, opening: float, dark: float) -> bool:
        self._open = max(opening, self._open * _DECAY)
        self._dark = max(dark, self._dark * _DECAY)
        closed = opening / self._open
        return (
            dark < _LEAST_DARK
            or closed < _CLOSED
            or (closed < _HALF_CLOSED and dark < _DARK_CLOSED * self._dark)
        )


def is_turned(pose: HeadPose) -> bool:
    """Return whether a head is turned by about 30 degrees or more, in yaw or pitch."""
    return abs(pose.yaw) > _TURNED_YAW or abs(pose.pitch) > _TURNED_PITCH


def _upright(crop: Crop, where: Similarity) -> Floats:
    """The crop with its landmarks at those of the average face, slightly blurred.

    The crop is held while the face moves within it.
    """
    moved = cv2.warpAffine(crop, where, (CROP_SIZE, CROP_SIZE), borderMode=cv2.BORDER_REPLICATE)
    # To floats, in a third of the time of cv2.GaussianBlur of bytes.
    return np.asarray(cv2.sepFilter2D(moved, cv2.CV_32F, _BLUR, _BLUR), np.float32)
