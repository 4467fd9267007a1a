"""Motion features against a reference crop that changes while a scene goes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.motion.features import (
    MotionFeatureExtractor,
    MotionFeatures,
    cut_elsewhere,
)
from off_tanet.recognition.motion.head_motion import HeadMotion, aligned_motion
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.types import Crop

Floats = NDArray[np.float64]

_MAX_SHIFT_PX = 4.0  # of the head from the reference, before another reference is taken


class ChainedExtractor:
    """Extracts features that stay comparable when the crop or its reference changes.

    Flow of more than a few pixels is inaccurate. Once the head has moved far from the reference,
    the current crop becomes the reference, and the motion up to it is added to all later features.

    The motion of the head is that in the picture: what the crop follows is no rest. Otherwise each
    new crop would be a jump of the head, to which nothing in the face corresponds.

    Args:
        first: The first frame of the scene, which has a crop.
    """

    def __init__(self, first: TrackedFrame) -> None:
        self._extractor = _extractor(first)
        self._features: Floats | float = 0.0
        self._head = HeadMotion.none()
        self._first = self._where = first.where
        self._followed = HeadMotion.none()  # the motion of the head that the crop has followed

    def extract(self, frame: TrackedFrame) -> tuple[Floats, Floats]:
        """Extract features and nuisances against the first frame.

        Args:
            frame: The next frame, which has a crop.

        Returns:
            `MotionFeatures.features` and `MotionFeatures.nuisances`.
        """
        moved = cut_elsewhere(self._where, frame.where)
        if moved is not None:
            self._followed = self._motion_to(frame)
        self._where = frame.where
        latest = self._extractor.extract(_crop(frame), moved)
        head = latest.head + self._head
        features = latest.features + self._features
        if np.abs(latest.nuisances[:-1]).max() > _MAX_SHIFT_PX:
            self._extractor = _extractor(frame)
            self._features, self._head = features, head
        total = MotionFeatures(features, latest.lids, head + self._followed)
        return total.features, total.nuisances

    def _motion_to(self, frame: TrackedFrame) -> HeadMotion:
        if self._first is None or frame.where is None:
            return HeadMotion.none()
        return aligned_motion(self._first, frame.where)


def _extractor(frame: TrackedFrame) -> MotionFeatureExtractor:
    shape = None if frame.landmarks is None else HeadShape(frame.landmarks)
    return MotionFeatureExtractor(_crop(frame), shape)


def _crop(frame: TrackedFrame) -> Crop:
    if frame.crop is None:
        raise ValueError("the frame shows no face")
    return frame.crop
