"""How a face stands against an earlier moment: its head, brows, mouth and lids."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.flow import light
from off_tanet.recognition.motion import head_motion
from off_tanet.types import CROP_SIZE, Crop, Flow

Floats = NDArray[np.float64]

_SIZE = 14  # cells a side: one is as wide as the smallest action unit
_PLACES = head_motion.brows_and_mouth(_SIZE)
_LIDS = head_motion.lids(_SIZE)
PLACES = int(_PLACES.sum())
"""Cells at brows and mouth, each with a displacement of its own."""

# What shears and scales by 1 at the crop's edge moves its middle by about a third of that.
_HEAD_WEIGHTS = np.array([0.3, 0.3, 1.0, 0.3])


@dataclass(frozen=True, slots=True, eq=False)
class MotionFeatures:
    """A face against its reference, in pixels at 112 x 112.

    `features` [2 * PLACES + lids]: u, v of each cell at brows and mouth, the head's motion taken
    out, then the v of each cell at the lids where they are raised, and 0 where they are not:
    a blink expresses nothing. `lids` is their mean v, downwards positive.
    """

    features: Floats
    lids: float
    head: head_motion.HeadMotion

    @property
    def nuisances(self) -> Floats:
        """What moves beside an expression, [9]: the head's motion, each term at most as large as
        the shift that it makes, and the lids."""
        return np.append((self.head.matrix * _HEAD_WEIGHTS).ravel(), self.lids)


def lengths(features: Floats) -> Floats:
    """The length of each cell's displacement, [..., PLACES + lids], of features [..., D]."""
    moved = features[..., : 2 * PLACES].reshape(*features.shape[:-1], PLACES, 2)
    raised = features[..., 2 * PLACES :]
    return np.concatenate([np.hypot(moved[..., 0], moved[..., 1]), np.abs(raised)], axis=-1)


class MotionFeatureExtractor:
    """The postures of one face in one crop after another, against the first.

    Subtracting the head's motion from a flow is not enough: where skin has no texture the flow
    lags behind the head, and the rest looks like an expression. So the head's motion is undone in
    the picture first, beginning with where the head was in the frame before, or at the reference
    where that fits better: a hand before the face must not mislead all frames after it.
    Then it is brought to the reference's light, which flickers under lamps.
    """

    def __init__(self, reference: Crop) -> None:
        self._reference = reference
        self._still = self._head = head_motion.HeadMotion.none()
        self._coarse = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._fine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        # What is left moves by a pixel or two at most: neighbours have nothing to teach each other.
        self._fine.setUseSpatialPropagation(False)

    def posture(self, crop: Crop) -> MotionFeatures:
        """How the face of `crop` [112, 112] stands against the reference's."""
        start, steady = min(
            ((head, head_motion.steady(crop, head)) for head in (self._still, self._head)),
            key=lambda tried: cv2.norm(self._reference, tried[1], cv2.NORM_L1),
        )
        self._head = start + head_motion.head_motion(
            self._search(self._coarse, self._reference, steady)
        )
        lit = light.matched(self._reference, head_motion.steady(crop, self._head))
        flow = self._search(self._fine, lit.onset, lit.apex)
        rest = head_motion.head_motion(flow)
        cells = cv2.resize(
            (flow - rest.flow()).transpose(1, 2, 0), (_SIZE, _SIZE), interpolation=cv2.INTER_AREA
        ).astype(np.float64)
        lids = cells[_LIDS][:, 1]
        features = np.concatenate([cells[_PLACES].ravel(), np.minimum(lids, 0)])
        return MotionFeatures(features, float(lids.mean()), self._head + rest)

    def _search(self, search: cv2.DISOpticalFlow, reference: Crop, steady: Crop) -> Flow:
        flow = search.calc(reference, steady, np.zeros((CROP_SIZE, CROP_SIZE, 2), np.float32))
        return np.asarray(flow, np.float32).transpose(2, 0, 1)
