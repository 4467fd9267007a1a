"""A face through a clip or a video: one stable crop for each scene, and what disturbs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.detector import align, crop, similarity, transformed, whole
from off_tanet.recognition.face.visibility import VisibilityMonitor
from off_tanet.types import CROP_SIZE, Crop, Face, Pixels, Similarity

_LOOK_EVERY = 3  # frames; the crop stands still between two looks at where the face is
_SEARCH_EVERY = 5  # frames, where there was no face: a search costs more than all the rest

# How far a face may go from where its scene's crop has it before it is cropped anew. Flow between
# crops is at its end well before that.
_FARTHEST_PX = 12.0
_MOST_GROWTH = 1.2
_MOST_TURN = np.radians(15.0)

_THUMBNAIL = (16, 12)
_CUT_CORRELATION = 0.7
_LEAST_CONTRAST = 2.0  # grey levels; a correlation of less is one of noise

_CENTRE = np.array([CROP_SIZE / 2 - 0.5, CROP_SIZE / 2 - 0.5])


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFrame:
    """What one frame shows of the face that is followed.

    `crop` is None where no face is seen. Crops of one `scene` are cut by one transform, so that
    they may be compared; crops of two scenes may not. `faces` are those found when the scene
    began, the followed one first. `seen` are the contract's words for what disturbs this frame.
    """

    crop: Crop | None
    scene: int
    faces: tuple[Face, ...] = ()
    seen: frozenset[str] = field(default=frozenset())


class Detector(Protocol):
    """What is used of `FaceDetector`."""

    def detect(self, frame: Pixels) -> tuple[Face, ...]: ...

    def follow(self, picture: Pixels, face: Face) -> Face | None: ...


class Tracker(Protocol):
    """Sees the frames of one clip, in the order of time."""

    def view(self, pixels: Pixels) -> TrackedFrame: ...


class PreCroppedTracker:
    """For frames that are tight face crops already."""

    def view(self, pixels: Pixels) -> TrackedFrame:
        return TrackedFrame(whole(pixels), 0)


class FaceTracker:
    """Follows the largest face.

    It is searched for on the first frame, after a cut and where it was lost. In between its
    landmarks are looked at again every few frames; the crop's transform stays as it is as long as
    the face stays near its place, as a motion of the transform would be seen as one of the face.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._anchor: _Anchor | None = None
        self._thumbnail: NDArray[np.float32] | None = None
        self._scene = 0
        self._until_search = 0

    def view(self, pixels: Pixels) -> TrackedFrame:
        seen = set()
        thumbnail = _thumbnail(pixels)
        if self._thumbnail is not None and _differ(self._thumbnail, thumbnail):
            seen.add("cut")
            self._let_go()
        self._thumbnail = thumbnail
        if self._anchor is not None and not self._anchor.look(self._detector, pixels):
            self._let_go()
            seen.add("face_lost")
        if self._anchor is None:
            self._search(pixels)
        if self._anchor is None:
            return TrackedFrame(None, self._scene, seen=frozenset({"face_lost", *seen}))
        cropped, disturbed = self._anchor.crop(pixels)
        return TrackedFrame(cropped, self._scene, self._anchor.faces, frozenset(seen | disturbed))

    def _let_go(self) -> None:
        self._anchor, self._until_search = None, 0
        self._scene += 1

    def _search(self, pixels: Pixels) -> None:
        if self._until_search:
            self._until_search -= 1
            return
        faces = self._detector.detect(pixels)
        self._until_search = _SEARCH_EVERY - 1
        if faces:
            self._anchor = _Anchor(faces)


class _Anchor:
    """Where a scene's crop is cut, and where the face has gone since."""

    def __init__(self, faces: tuple[Face, ...]) -> None:
        self.faces = faces
        self._where: Similarity = align(faces[0])
        self._face = faces[0]
        self._start = transformed(faces[0], self._where)
        self._disturbances = VisibilityMonitor()
        self._until_look = _LOOK_EVERY

    def look(self, detector: Detector, pixels: Pixels) -> bool:
        """Whether the face is still there, and near its place; looked up every few frames."""
        self._until_look -= 1
        if self._until_look:
            return True
        self._until_look = _LOOK_EVERY
        face = detector.follow(pixels, self._face)
        if face is None:
            return False
        self._face = face
        # Landmarks behind a hand are guesses, and no reason to begin anew.
        return self._disturbances.covered or self._is_near()

    def crop(self, pixels: Pixels) -> tuple[Crop, set[str]]:
        """The crop, and the words for what disturbs it."""
        cropped = crop(pixels, self._where)
        looked = self._until_look == _LOOK_EVERY
        marks = transformed(self._face, self._where)
        return cropped, self._disturbances.seen(cropped, marks, looked)

    def _is_near(self) -> bool:
        moved = similarity(self._start, transformed(self._face, self._where))
        growth = float(np.sqrt(np.linalg.det(moved[:, :2])))
        turn = abs(float(np.arctan2(moved[1, 0], moved[0, 0])))
        far = float(np.hypot(*(moved[:, :2] @ _CENTRE + moved[:, 2] - _CENTRE)))
        return far < _FARTHEST_PX and 1 / _MOST_GROWTH < growth < _MOST_GROWTH and turn < _MOST_TURN


def _thumbnail(pixels: Pixels) -> NDArray[np.float32]:
    """The picture's coarse brightness: a tenth of its pixels tells as much as all."""
    height, width = pixels.shape[:2]
    step = max(1, min(height, width) // 60)
    coarse = cv2.resize(pixels[::step, ::step, 1], _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.asarray(coarse, np.float32)


def _differ(before: NDArray[np.float32], after: NDArray[np.float32]) -> bool:
    """Whether two successive pictures show different scenes, whatever their brightness."""
    first, second = before - before.mean(), after - after.mean()
    contrasts = float(first.std()), float(second.std())
    if min(contrasts) < _LEAST_CONTRAST:
        return max(contrasts) >= 2 * _LEAST_CONTRAST
    return float((first * second).mean()) < _CUT_CORRELATION * contrasts[0] * contrasts[1]
