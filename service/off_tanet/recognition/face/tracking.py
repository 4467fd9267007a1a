"""Tracking of a face through a clip or video: one fixed crop transform for each scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.detector import align, crop, similarity, transformed, whole
from off_tanet.recognition.face.visibility import VisibilityMonitor
from off_tanet.types import CROP_SIZE, Crop, Face, Pixels, Similarity

_FOLLOW_EVERY = 3  # frames between two updates of the landmarks
_DETECT_EVERY = 5  # frames without a face; detection costs more than all other steps together

# How far a face may move within the crop before a new scene, with a new transform, begins. The flow
# between crops fails well after that.
_FARTHEST_PX = 12.0
_MOST_GROWTH = 1.2
_MOST_TURN = np.radians(15.0)

_THUMBNAIL = (16, 12)
_CUT_CORRELATION = 0.7
_LEAST_CONTRAST = 2.0  # grey levels; with less, the correlation is that of noise

_CENTRE = np.array([CROP_SIZE / 2 - 0.5, CROP_SIZE / 2 - 0.5])


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFrame:
    """The tracked face on one frame.

    Attributes:
        crop: The crop [112, 112] of the face, or None without a face.
        scene: The number of the scene. Crops of one scene have the same transform and can be
            compared; crops of different scenes cannot.
        faces: The faces that were detected at the start of the scene, the tracked one first.
        warnings: Warnings of `quality.OBSERVED` that apply to this frame.
    """

    crop: Crop | None
    scene: int
    faces: tuple[Face, ...] = ()
    warnings: frozenset[str] = field(default=frozenset())


class Detector(Protocol):
    """The part of `FaceDetector` that the tracker uses."""

    def detect(self, frame: Pixels) -> tuple[Face, ...]:
        """Return the faces of a frame, the largest first."""
        ...

    def follow(self, picture: Pixels, face: Face) -> Face | None:
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


class FaceTracker:
    """Tracker of the largest face.

    The face is detected on the first frame, after a cut and after it was lost. In between, its
    landmarks are updated every few frames. The transform of the crop stays constant while the face
    stays near its place, because a motion of the transform would look like a motion of the face.

    Args:
        detector: Detects faces and updates landmarks.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._anchor: _Anchor | None = None
        self._thumbnail: NDArray[np.float32] | None = None
        self._scene = 0
        self._until_detection = 0

    def track(self, pixels: Pixels) -> TrackedFrame:
        """Find the face on the next frame, [H, W, 3], and crop it."""
        warnings = set()
        thumbnail = _thumbnail(pixels)
        if self._thumbnail is not None and _is_cut(self._thumbnail, thumbnail):
            warnings.add("cut")
            self._end_scene()
        self._thumbnail = thumbnail
        if self._anchor is not None and not self._anchor.follow(self._detector, pixels):
            self._end_scene()
            warnings.add("face_lost")
        if self._anchor is None:
            self._detect(pixels)
        if self._anchor is None:
            return TrackedFrame(None, self._scene, warnings=frozenset({"face_lost", *warnings}))
        cropped, found = self._anchor.crop(pixels)
        return TrackedFrame(cropped, self._scene, self._anchor.faces, frozenset(warnings | found))

    def _end_scene(self) -> None:
        self._anchor, self._until_detection = None, 0
        self._scene += 1

    def _detect(self, pixels: Pixels) -> None:
        if self._until_detection:
            self._until_detection -= 1
            return
        faces = self._detector.detect(pixels)
        self._until_detection = _DETECT_EVERY - 1
        if faces:
            self._anchor = _Anchor(faces)


class _Anchor:
    """The crop transform of a scene, and the motion of the face since its start."""

    def __init__(self, faces: tuple[Face, ...]) -> None:
        self.faces = faces
        self._where: Similarity = align(faces[0])
        self._face = faces[0]
        self._start = transformed(faces[0], self._where)
        self._visibility = VisibilityMonitor()
        self._until_update = _FOLLOW_EVERY

    def follow(self, detector: Detector, pixels: Pixels) -> bool:
        """Update the landmarks every few frames; False once the face is gone or far away."""
        self._until_update -= 1
        if self._until_update:
            return True
        self._until_update = _FOLLOW_EVERY
        face = detector.follow(pixels, self._face)
        if face is None:
            return False
        self._face = face
        # Landmarks of a covered face are guesses, and do not justify a new scene.
        return self._visibility.covered or self._is_near()

    def crop(self, pixels: Pixels) -> tuple[Crop, set[str]]:
        """The crop and the warnings that apply to it."""
        cropped = crop(pixels, self._where)
        refreshed = self._until_update == _FOLLOW_EVERY
        marks = transformed(self._face, self._where)
        return cropped, self._visibility.update(cropped, marks, refreshed)

    def _is_near(self) -> bool:
        moved = similarity(self._start, transformed(self._face, self._where))
        growth = float(np.sqrt(np.linalg.det(moved[:, :2])))
        turn = abs(float(np.arctan2(moved[1, 0], moved[0, 0])))
        far = float(np.hypot(*(moved[:, :2] @ _CENTRE + moved[:, 2] - _CENTRE)))
        return far < _FARTHEST_PX and 1 / _MOST_GROWTH < growth < _MOST_GROWTH and turn < _MOST_TURN


def _thumbnail(pixels: Pixels) -> NDArray[np.float32]:
    """The coarse brightness of a frame; a tenth of the pixels is enough."""
    height, width = pixels.shape[:2]
    step = max(1, min(height, width) // 60)
    coarse = cv2.resize(pixels[::step, ::step, 1], _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.asarray(coarse, np.float32)


def _is_cut(before: NDArray[np.float32], after: NDArray[np.float32]) -> bool:
    """Whether two successive frames show different scenes, at any brightness."""
    first, second = before - before.mean(), after - after.mean()
    contrasts = float(first.std()), float(second.std())
    if min(contrasts) < _LEAST_CONTRAST:
        return max(contrasts) >= 2 * _LEAST_CONTRAST
    return float((first * second).mean()) < _CUT_CORRELATION * contrasts[0] * contrasts[1]
