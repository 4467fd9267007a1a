"""Trackers of one or several faces, each with its own identity."""

from __future__ import annotations

from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from off_tanet.errors import NoFaceError
from off_tanet.face_choice import FaceChoice
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.selection import choose, missing, same_face
from off_tanet.recognition.face.tracking import (
    NEAR,
    Detector,
    TrackedFace,
    TrackedFrame,
    Tracker,
    is_cut,
    nearest,
    thumbnail,
)
from off_tanet.types import Pixels

_DETECT_EVERY = 5  # frames without a face; detection costs more than all other steps together
_DETECT_EVERY_WITH_FACES = 10  # frames, for further faces where some are tracked
_DRIFT, _FAR = 0.05, 2.0  # of a face's region: moved for each frame while it is lost, and at most
_LOST_FRAMES = 3  # without a face, after which one that reappears begins a scene


class MultiTracker(Protocol):
    """Takes the frames of one clip in the order of time, and tracks several faces."""

    @property
    def count(self) -> int:
        """The number of faces."""
        ...

    def track(self, pixels: Pixels) -> tuple[TrackedFrame, ...]:
        """Process the next frame, [H, W, 3]; return one result per face, in a fixed order."""
        ...


class OneFace:
    """A `MultiTracker` with the one face of a `Tracker`."""

    count = 1

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def track(self, pixels: Pixels) -> tuple[TrackedFrame, ...]:
        """Process the next frame, [H, W, 3]."""
        return (self._tracker.track(pixels),)


class MultiFaceTracker:
    """Tracker of several faces, or of a chosen one, each with its own identity.

    Faces are detected on the first frame, after a cut, and while one is lost. In between, the
    landmarks of each face are placed from those of the frame before. The transform of a crop is
    held while the face stays near its place, and follows it otherwise: crops of one scene stay
    comparable, because the motion of the head between them is measured and taken out.

    The largest face, if only that is tracked, is replaced by another one as soon as it is lost.
    Otherwise faces keep their identity up to the next cut: a lost face is only found again near its
    place, and a face that appears elsewhere is another one. After a cut, faces are chosen as on the
    first frame.

    Args:
        detector: Detects faces and places landmarks.
        choice: The face to track; ignored if there are several.
        count: The highest number of faces. If it is above 1, the first frame with faces numbers
            them by size, the largest first, and later ones follow.
    """

    def __init__(self, detector: Detector, choice: FaceChoice = "auto", count: int = 1) -> None:
        self.count = count
        self._detector = detector
        self._choice: FaceChoice = choice if count == 1 else "largest"
        keeps = count > 1 or choice not in ("auto", "largest")
        # Small faces beside a large one matter where one of them may be meant.
        self._all_sizes = keeps
        self._identities = [_Identity(detector, keeps, count > 1) for _ in range(count)]
        self._chosen = False
        self._thumbnail: NDArray[np.float32] | None = None
        self._size: tuple[int, ...] = ()
        self._until_detection = 0

    def track(self, pixels: Pixels) -> tuple[TrackedFrame, ...]:
        """Find the faces on the next frame, [H, W, 3], and crop them.

        Args:
            pixels: The frame.

        Returns:
            `count` results, in the same order for all frames of a scene.

        Raises:
            NoFaceError: If the first frame that shows a face does not show the chosen one.
        """
        warnings = self._end_scenes(pixels)
        found = _without_duplicates([identity.follow(pixels) for identity in self._identities])
        if self._is_detection_due(found):
            detected = self._detector.detect(pixels, all_sizes=self._all_sizes)
            self._assign(found, detected)
        else:
            detected = ()
        return tuple(
            identity.frame(pixels, face, detected, warnings)
            for identity, face in zip(self._identities, found, strict=True)
        )

    def _end_scenes(self, pixels: Pixels) -> set[str]:
        """End the scene at a cut or another size of the picture; return the warnings."""
        coarse = thumbnail(pixels)
        cut = self._thumbnail is not None and is_cut(self._thumbnail, coarse)
        for identity in self._identities:
            if cut or (self._size != pixels.shape and identity.latest is not None):
                identity.forget()
                self._until_detection = 0
        self._thumbnail, self._size = coarse, pixels.shape
        return {"cut"} if cut else set()

    def _is_detection_due(self, found: list[FaceLandmarks | None]) -> bool:
        """Whether a face was lost on this frame, or the pause between two detections is over."""
        absent = [i for i, face in zip(self._identities, found, strict=True) if face is None]
        if not absent:
            return False
        if not self._until_detection or any(identity.in_scene for identity in absent):
            return True
        self._until_detection -= 1
        return False

    def _assign(
        self, found: list[FaceLandmarks | None], detected: tuple[FaceLandmarks, ...]
    ) -> None:
        """Fill the gaps in `found` with those detected faces that no identity has yet."""
        free = [
            face
            for face in detected
            if not any(other and same_face(face, other) for other in found)
        ]
        for take in (_Identity.find_again, self._choose):
            for place, identity in enumerate(self._identities):
                if found[place] is None and (face := take(identity, free)) is not None:
                    found[place] = face
                    free.remove(face)
        pause = _DETECT_EVERY if not any(found) else _DETECT_EVERY_WITH_FACES
        self._until_detection = 0 if all(found) else pause - 1

    def _choose(self, identity: _Identity, free: list[FaceLandmarks]) -> FaceLandmarks | None:
        """The face that becomes an identity without any."""
        if identity.latest is not None or not free:
            return None
        face = choose(free, self._choice)
        if face is None and not self._chosen:
            raise NoFaceError(missing(len(free), self._choice))
        self._chosen = True
        return face


class FaceTracker:
    """Tracker of one face, by default the largest one; see `MultiFaceTracker`.

    Args:
        detector: Detects faces and places landmarks.
        choice: The face to track.
    """

    def __init__(self, detector: Detector, choice: FaceChoice = "auto") -> None:
        self._tracker = MultiFaceTracker(detector, choice)

    def track(self, pixels: Pixels) -> TrackedFrame:
        """Find the face on the next frame, [H, W, 3], and crop it."""
        (frame,) = self._tracker.track(pixels)
        return frame


class _Identity:
    """One face through the scenes of a clip.

    Attributes:
        latest: The landmarks at which the face was last seen; None if another face may take the
            identity.
    """

    def __init__(self, detector: Detector, keeps: bool, drifts: bool) -> None:
        self.latest: FaceLandmarks | None = None
        self._detector = detector
        self._keeps = keeps  # the identity, when the face is lost
        self._drifts = drifts  # while it is lost, by more the longer it is
        self._face: TrackedFace | None = None
        self._scene = 0
        self._missing = 0  # frames since the face was last seen

    @property
    def in_scene(self) -> bool:
        """Whether the face was seen on this or one of the last few frames."""
        return self._face is not None

    def forget(self) -> None:
        """End the scene, after which any face may take the identity."""
        self.latest = None
        self._end_scene()

    def follow(self, pixels: Pixels) -> FaceLandmarks | None:
        """The face on the next frame, without detection."""
        if self._face is None or self.latest is None:
            return None
        return self._detector.follow(pixels, self.latest)

    def find_again(self, free: list[FaceLandmarks]) -> FaceLandmarks | None:
        """The lost face, if it is one of those."""
        if self.latest is None:
            return None
        moved = _DRIFT * self._missing if self._drifts and self._face is None else 0.0
        again = nearest(self.latest, free, min(NEAR + moved, _FAR))
        if again is None and self._face is not None:
            lost = self._missing >= _LOST_FRAMES
            if not self._keeps and (free or lost):
                self.forget()
            elif lost:
                self._end_scene()
        return again

    def frame(
        self,
        pixels: Pixels,
        landmarks: FaceLandmarks | None,
        detected: tuple[FaceLandmarks, ...],
        warnings: set[str],
    ) -> TrackedFrame:
        """Crop the face on the next frame."""
        if landmarks is None:
            self._missing += 1
            return TrackedFrame(None, self._scene, warnings=frozenset({"face_lost", *warnings}))
        self.latest, self._missing = landmarks, 0
        if self._face is None:
            height, width = pixels.shape[:2]
            faces = (landmarks,) if self._keeps else detected
            self._face = TrackedFace(tuple(face.face(width, height) for face in faces))
        return self._face.frame(pixels, landmarks, self._scene, warnings)

    def _end_scene(self) -> None:
        self._face = None
        self._scene += 1


def _without_duplicates(faces: list[FaceLandmarks | None]) -> list[FaceLandmarks | None]:
    """The faces; of two that are the same one, only that of the higher presence."""
    kept = list(faces)
    for first, second in combinations(range(len(faces)), 2):
        one, other = kept[first], kept[second]
        if one is not None and other is not None and same_face(one, other):
            kept[first if one.presence < other.presence else second] = None
    return kept
