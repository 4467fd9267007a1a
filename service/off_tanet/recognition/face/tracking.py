"""Tracking of faces through a clip or video, from landmarks to landmarks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.alignment import align, between, on_crop, transform
from off_tanet.recognition.face.cropping import crop, whole
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.signals import FaceSignals, measure_signals
from off_tanet.recognition.face.visibility import VisibilityMonitor
from off_tanet.types import CROP_SIZE, Crop, Face, Pixels, Similarity

NEAR = 0.5
"""The share of its region by which a lost face may have moved or grown."""

# How far the face may move in its crop, at the crop's corners, before it is cropped anew. What
# moves less is measured and taken out of the flow, so that the landmarks' noise and their response
# to an expression, 0.3 px for one of 1.5 px, do not move the crop.
_HELD_PX = 3.0
# Landmarks of a covered face are guesses, near the place of the face. Those that are farther away
# show that it was not covered, but has moved.
_COVERED_PX = 20.0

_THUMBNAIL = (16, 12)
_CUT_CORRELATION = 0.7
_LEAST_CONTRAST = 2.0  # grey levels; with less, the correlation is that of noise

_CORNERS = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]) * (CROP_SIZE - 1)


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFrame:
    """The tracked face on one frame.

    Attributes:
        crop: The crop [112, 112] of the face, or None without a face.
        scene: The number of the scene. Crops of one scene show one face without a cut and can be
            compared; crops of different scenes cannot.
        faces: The faces that were detected at the start of the scene, the tracked one first.
        warnings: Warnings of `quality.OBSERVED` that apply to this frame.
        where: The transform [2, 3] from the frame to the crop; None for frames that are crops.
        landmarks: The landmarks in crop pixels, float32 [468, 3]; None for frames that are crops.
        signals: Measurements of the face; None without a face or its landmarks.
    """

    crop: Crop | None
    scene: int
    faces: tuple[Face, ...] = ()
    warnings: frozenset[str] = field(default=frozenset())
    where: Similarity | None = None
    landmarks: NDArray[np.float32] | None = None
    signals: FaceSignals | None = None


class Detector(Protocol):
    """The part of `FaceDetector` that the tracker uses."""

    def detect(
        self, frame: Pixels, *, all_sizes: bool = False, coarse: bool = False
    ) -> tuple[FaceLandmarks, ...]:
        """Return the faces of a frame, the largest first."""
        ...

    def follow(self, picture: Pixels, face: FaceLandmarks) -> FaceLandmarks | None:
        """Return the face on a later frame, or None if it is gone."""
        ...


class Tracker(Protocol):
    """Takes the frames of one clip in the order of time."""

    def track(self, pixels: Pixels) -> TrackedFrame:
        """Process the next frame, [H, W, 3]."""
        ...


class PreCroppedTracker:
    """Tracker for frames that already are tight face crops."""

    def track(self, pixels: Pixels) -> TrackedFrame:
        """Scale the next frame, [H, W, 3], to a crop."""
        return TrackedFrame(whole(pixels), 0)


def nearest(
    face: FaceLandmarks, candidates: Sequence[FaceLandmarks], reach: float = NEAR
) -> FaceLandmarks | None:
    """Return the nearest face that may be one that was lost.

    Args:
        face: The lost face.
        candidates: Faces on a later frame.
        reach: How far it may have moved, as a share of its region's side.

    Returns:
        The nearest of those candidates that are within reach and of about the face's size.
    """
    region = face.region

    def distance(other: FaceLandmarks) -> float:
        return float(np.hypot(other.region.x - region.x, other.region.y - region.y)) / region.side

    for candidate in sorted(candidates, key=distance):
        growth = candidate.region.side / region.side
        if distance(candidate) < reach and 1 / (1 + NEAR) < growth < 1 + NEAR:
            return candidate
    return None


class TrackedFace:
    """The face of a scene, and the transform of its crops.

    Args:
        faces: The faces of its first frame, the tracked one first.
    """

    def __init__(self, faces: tuple[Face, ...]) -> None:
        self._faces = faces
        self._where: Similarity | None = None
        self._visibility = VisibilityMonitor()
        self._latest = TrackedFrame(None, 0)

    def frame(
        self, pixels: Pixels, landmarks: FaceLandmarks, scene: int, warnings: set[str]
    ) -> TrackedFrame:
        """Crop the face on the next frame.

        Args:
            pixels: The frame, [H, W, 3].
            landmarks: The landmarks of the face.
            scene: The number of the scene.
            warnings: Warnings that apply to the frame.
        """
        aligned = align(landmarks)
        where = self._where = self._next(aligned)
        cropped, places = crop(pixels, where), on_crop(landmarks, where)
        signals = measure_signals(pixels, landmarks, cropped)
        found = self._visibility.update(cropped, places, signals, between(where, aligned))
        self._latest = TrackedFrame(
            crop=cropped,
            scene=scene,
            faces=self._faces,
            warnings=frozenset(warnings | found),
            where=where,
            landmarks=places.astype(np.float32),
            signals=signals,
        )
        return self._latest

    def hold(self, pixels: Pixels) -> TrackedFrame:
        """Crop the next frame, [H, W, 3], in the place of the latest one; the rest stays."""
        latest = self._latest
        if latest.where is None:
            raise ValueError("no frame before shows the face")
        return replace(latest, crop=crop(pixels, latest.where), warnings=latest.warnings - {"cut"})

    def _next(self, aligned: Similarity) -> Similarity:
        """The transform, which is a new one once the face has left the place of its crop."""
        if self._where is None:
            return aligned
        moved = transform(_CORNERS, between(self._where, aligned)) - _CORNERS
        held_px = _COVERED_PX if self._visibility.covered else _HELD_PX
        return aligned if np.hypot(*moved.T).max() > held_px else self._where


def thumbnail(pixels: Pixels) -> NDArray[np.float32]:
    """Return the coarse brightness of a frame; a tenth of the pixels is enough."""
    height, width = pixels.shape[:2]
    step = max(1, min(height, width) // 60)
    coarse = cv2.resize(pixels[::step, ::step, 1], _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.asarray(coarse, np.float32)


def is_cut(before: NDArray[np.float32], after: NDArray[np.float32]) -> bool:
    """Return whether two thumbnails show different scenes, at any brightness."""
    first, second = ((coarse - cv2.mean(coarse)[0]).ravel() for coarse in (before, after))
    contrasts = [math.sqrt(float(each @ each) / each.size) for each in (first, second)]
    if min(contrasts) < _LEAST_CONTRAST:
        return max(contrasts) >= 2 * _LEAST_CONTRAST
    product = float(first @ second) / first.size
    return product < _CUT_CORRELATION * contrasts[0] * contrasts[1]
