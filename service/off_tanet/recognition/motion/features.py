"""Motion features of a face against an earlier crop: head, brows, mouth and lids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.motion import head_motion
from off_tanet.recognition.motion.head_motion import HeadMotion
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.recognition.motion.registration import CELLS, Registration
from off_tanet.types import Crop, Similarity

Floats = NDArray[np.float64]

_BROWS_AND_MOUTH = head_motion.brows_and_mouth(CELLS).ravel()
_LIDS = head_motion.lids(CELLS).ravel()
PLACES = int(_BROWS_AND_MOUTH.sum())
"""The number of cells at brows and mouth."""

_MEAN_OF_CENTRE = 0.85  # of a cell, to its motion at the centre; on a rendered raise of the brows

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
    head: HeadMotion

    @property
    def nuisances(self) -> Floats:
        """Motions that are no expression, [9]: the weighted terms of the head, and the lids.

        The weights make each term at most as large as the shift that it causes.
        """
        return np.append((self.head.matrix * _HEAD_WEIGHTS).ravel(), self.lids)


def lengths(features: Floats) -> Floats:
    """Return the mean motion over each cell, [..., PLACES + L] in pixels, of features [..., D]."""
    moved = features[..., : 2 * PLACES].reshape(*features.shape[:-1], PLACES, 2)
    raised = features[..., 2 * PLACES :]
    at_centres = np.concatenate([np.hypot(moved[..., 0], moved[..., 1]), np.abs(raised)], axis=-1)
    return _MEAN_OF_CENTRE * at_centres


class MotionFeatureExtractor:
    """Extracts the motion features of successive crops against a reference crop.

    Motion of face and head and the change of light, which flickers under lamps, are measured
    together by `Registration`. Then the motion of the head is fitted to that of the cells.

    Args:
        reference: The reference crop [112, 112].
        shape: The shape of the head; by default that of the average face.
    """

    def __init__(self, reference: Crop, shape: HeadShape | None = None) -> None:
        shape = shape or HeadShape.average()
        self._registration = Registration(reference, shape)
        self._estimator = head_motion.HeadMotionEstimator(shape, CELLS)
        self._terms = shape.terms(CELLS).T

    def extract(self, crop: Crop, moved: HeadMotion | None = None) -> MotionFeatures:
        """Extract the features of the next crop.

        Args:
            crop: The crop [112, 112].
            moved: As `cut_elsewhere` returns it, if the crop is cut elsewhere than the one before.

        Returns:
            The motion from the reference to the crop.
        """
        motion = np.asarray(self._register(crop, moved), np.float64)
        head = self._estimator.fit_cells(motion)
        return _features(motion - self._on_cells(head), head)

    def _register(self, crop: Crop, moved: HeadMotion | None) -> NDArray[np.float32]:
        if moved is not None:
            self._registration.shift(self._on_cells(moved))
        return self._registration.register(crop)

    def _on_cells(self, head: HeadMotion) -> Floats:
        """The motion of a head at each cell, [196, 2]."""
        return (head.matrix @ self._terms).T


def cut_elsewhere(before: Similarity | None, after: Similarity | None) -> HeadMotion | None:
    """Return how a face at rest moves between two crops because they are cut elsewhere.

    Args:
        before: The transform [2, 3] from the frame to the first crop; None if that is not known.
        after: That of the second crop.

    Returns:
        The motion of the head; None if both are cut alike.
    """
    if before is None or after is None or np.array_equal(before, after):
        return None
    return head_motion.aligned_motion(after, before)


def _features(cells: Floats, head: HeadMotion) -> MotionFeatures:
    """Return the features of the motion of cells [196, 2] without that of the head."""
    lids = cells[_LIDS, 1]
    features = np.concatenate([cells[_BROWS_AND_MOUTH].ravel(), np.minimum(lids, 0)])
    return MotionFeatures(features, float(lids.mean()), head)
