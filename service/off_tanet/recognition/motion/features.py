"""Motion features of a face against an earlier crop: head, brows, mouth and lids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.flow import light
from off_tanet.recognition.motion import head_motion
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.types import CROP_SIZE, Crop, Flow

Floats = NDArray[np.float64]

_SIZE = 14  # cells a side; a cell is as wide as the smallest action unit
_BROWS_AND_MOUTH = head_motion.brows_and_mouth(_SIZE)
_LIDS = head_motion.lids(_SIZE)
PLACES = int(_BROWS_AND_MOUTH.sum())
"""The number of cells at brows and mouth."""

AT_ONCE = 16
"""The number of crops from which on more at once take no less time for each."""

# A term of shear or scale moves the pixels of the crop by about 0.3 of its value.
_HEAD_WEIGHTS = np.array([0.3, 0.3, 1.0, 0.3])


@dataclass(frozen=True, slots=True, eq=False)
class MotionFeatures:
    """The motion of a face against its reference, in pixels at 112 x 112.

    Attributes:
        features: Motion without that of the head, [2 * PLACES + L]: u and v of each cell at brows
            and mouth, then v of each of the L cells at the lids where it is raised and 0 where it
            is not, because a blink is no expression.
        lids: Mean v of the lids, downwards positive.
        head: The motion of the head.
    """

    features: Floats
    lids: float
    head: head_motion.HeadMotion

    @property
    def nuisances(self) -> Floats:
        """Motions that are no expression, [9]: the weighted terms of the head, and the lids.

        The weights make each term at most as large as the shift that it causes.
        """
        return np.append((self.head.matrix * _HEAD_WEIGHTS).ravel(), self.lids)


def lengths(features: Floats) -> Floats:
    """Return the length of the motion of each cell, [..., PLACES + L], of features [..., D]."""
    moved = features[..., : 2 * PLACES].reshape(*features.shape[:-1], PLACES, 2)
    raised = features[..., 2 * PLACES :]
    return np.concatenate([np.hypot(moved[..., 0], moved[..., 1]), np.abs(raised)], axis=-1)


class MotionFeatureExtractor:
    """Extracts the motion features of successive crops against a reference crop.

    It is not enough to subtract head motion from a flow: where skin has no texture, the flow is
    smaller than the motion of the head, and the difference looks like an expression. So the crop is
    first warped to undo the head motion. The estimate starts from the motion on the previous crop,
    or from none if that fits better, so that a hand in front of the face does not affect all later
    frames. Then the light, which flickers under lamps, is matched to that of the reference.

    Args:
        reference: The reference crop [112, 112].
        shape: The shape of the head; by default that of the average face.
    """

    def __init__(self, reference: Crop, shape: HeadShape | None = None) -> None:
        self._reference = reference
        self._estimator = head_motion.HeadMotionEstimator(shape)
        self._still = self._head = head_motion.HeadMotion.none(shape)
        self._coarse = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._fine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        # The remaining motion is a pixel or two at most, so that starting values from neighbouring
        # patches are of no use.
        self._fine.setUseSpatialPropagation(False)

    def extract(self, crop: Crop) -> MotionFeatures:
        """Extract the features of the next crop.

        Args:
            crop: The crop [112, 112], cut with the transform of the reference.

        Returns:
            The motion from the reference to the crop.
        """
        return self.extract_all([crop])[0]

    def extract_all(self, crops: Sequence[Crop]) -> list[MotionFeatures]:
        """Extract the features of the next crops.

        The motion of the head is estimated from crop to crop. What follows does not depend on other
        crops and is done for several at once, which takes half the time.

        Args:
            crops: Crops [112, 112], each as for `extract`; best `AT_ONCE` of them.

        Returns:
            The motion from the reference to each crop.
        """
        if not crops:
            return []
        heads = [self._follow(crop) for crop in crops]
        steadied = [head_motion.steady(*each) for each in zip(crops, heads, strict=True)]
        lit = light.match_all(self._reference, steadied)
        flows = [self._flow(self._fine, each.onset, each.apex) for each in lit]
        remaining = self._estimator.fit_all(flows)
        return list(map(_features, flows, heads, remaining))

    def _follow(self, crop: Crop) -> head_motion.HeadMotion:
        """Return the rough motion of the head up to the next crop."""
        start, steady = min(
            ((head, head_motion.steady(crop, head)) for head in (self._still, self._head)),
            key=lambda candidate: cv2.norm(self._reference, candidate[1], cv2.NORM_L1),
        )
        self._head = start + self._estimator.fit(self._flow(self._coarse, self._reference, steady))
        return self._head

    def _flow(self, method: cv2.DISOpticalFlow, reference: Crop, steady: Crop) -> Flow:
        flow = method.calc(reference, steady, np.zeros((CROP_SIZE, CROP_SIZE, 2), np.float32))
        return np.asarray(flow, np.float32).transpose(2, 0, 1)


def _features(
    flow: Flow, head: head_motion.HeadMotion, remaining: head_motion.HeadMotion
) -> MotionFeatures:
    """Return the features of a flow, from which `remaining` motion of the head is taken out."""
    cells = cv2.resize(
        (flow - remaining.flow()).transpose(1, 2, 0), (_SIZE, _SIZE), interpolation=cv2.INTER_AREA
    ).astype(np.float64)
    lids = cells[_LIDS][:, 1]
    features = np.concatenate([cells[_BROWS_AND_MOUTH].ravel(), np.minimum(lids, 0)])
    return MotionFeatures(features, float(lids.mean()), head + remaining)
