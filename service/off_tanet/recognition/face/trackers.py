"""Trackers of one or several faces, each with its own identity."""

from __future__ import annotations

from itertools import combinations
from math import inf
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from off_tanet.errors import NoFaceError
from off_tanet.face_choice import FaceChoice
from off_tanet.recognition.face.identity import Identity
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.selection import choose, missing, same_face
from off_tanet.recognition.face.tracking import (
    Detector,
    TrackedFrame,
    Tracker,
    is_cut,
    thumbnail,
)
from off_tanet.types import Pixels

_DETECT_EVERY = 5  # frames without a face; detection costs more than all other steps together
_DETECT_EVERY_WITH_FACES = 10  # frames, for further faces where some are tracked

# A search for faces of all sizes takes as long as 10 to 50 frames of video with a face. Where one
# is missing, the first searches are thorough, and then one of six.
_THOROUGH_AT_FIRST, _THOROUGH_EVERY = 3, 6

_ROUNDING = 0.99  # of the time between two frames, which files round to milliseconds


class MultiTracker(Protocol):
    """Takes the frames of one clip in the order of time, and tracks several faces."""

    @property
    def count(self) -> int:
        """The number of faces."""
        ...

    def track(self, pixels: Pixels, time_s: float | None = None, /) -> tuple[TrackedFrame, ...]:
        """Process the next frame, [H, W, 3]; return one result per face, in a fixed order.

        With its time, landmarks may be kept from the frame before.
        """
        ...


class OneFace:
    """A `MultiTracker` with the one face of a `Tracker`."""

    count = 1

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def track(self, pixels: Pixels, _time_s: float | None = None, /) -> tuple[TrackedFrame, ...]:
        """Process the next frame, [H, W, 3]."""
        return (self._tracker.track(pixels),)


class MultiFaceTracker:
    """Tracker of several faces, or of a chosen one, each with its own identity.

    Faces are detected on the first frame, after a cut, and while one is lost; small ones less often
    the longer it is. In between, the
    landmarks of each face are placed from those of the frame before, not more often than
    `landmark_rate`: on other frames, only the crop is new. The transform of a crop is held while
    the face stays near its place, and follows it otherwise: crops of one scene stay comparable,
    because the motion of the head between them is measured and taken out.

    The largest face, if only that is tracked, is replaced by another one as soon as it is lost.
    Otherwise faces keep their identity up to the next cut: a lost face is only found again near its
    place, and a face that appears elsewhere is another one. After a cut, faces are chosen as on the
    first frame.

    Args:
        detector: Detects faces and places landmarks.
        choice: The face to track; ignored if there are several.
        count: The highest number of faces. If it is above 1, the first frame with faces numbers
            them by size, the largest first, and later ones follow.
        landmark_rate: As in `Configuration`.
    """

    def __init__(
        self,
        detector: Detector,
        choice: FaceChoice = "auto",
        count: int = 1,
        landmark_rate: float = 34.0,
    ) -> None:
        self.count = count
        self._least_pause_s = _ROUNDING / landmark_rate
        self._detector = detector
        self._choice: FaceChoice = choice if count == 1 else "largest"
        keeps = count > 1 or choice not in ("auto", "largest")
        # Small faces beside a large one matter where one of them may be meant.
        self._all_sizes = keeps
        self._identities = [Identity(detector, keeps, count > 1) for _ in range(count)]
        self._chosen = False
        self._thumbnail: NDArray[np.float32] | None = None
        self._size: tuple[int, ...] = ()
        self._until_detection = 0
        self._in_vain = 0  # searches since a face was lost
        self._placed_s = -inf

    def track(self, pixels: Pixels, time_s: float | None = None, /) -> tuple[TrackedFrame, ...]:
        """Find the faces on the next frame, [H, W, 3], and crop them.

        Args:
            pixels: The frame.
            time_s: Its time in seconds; None places the landmarks on this frame, too.

        Returns:
            `count` results, in the same order for all frames of a scene.

        Raises:
            NoFaceError: If the first frame that shows a face does not show the chosen one.
        """
        warnings = self._end_scenes(pixels)
        if self._holds(time_s):
            return tuple(identity.hold(pixels) for identity in self._identities)
        found = _without_duplicates([identity.follow(pixels) for identity in self._identities])
        if self._is_detection_due(found):
            detected = self._detect(pixels)
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
                self._until_detection = self._in_vain = 0
        self._thumbnail, self._size = coarse, pixels.shape
        return {"cut"} if cut else set()

    def _holds(self, time_s: float | None) -> bool:
        """Whether landmarks were placed so shortly before that they need not be placed now."""
        if time_s is None:
            return False
        in_scene = [identity for identity in self._identities if identity.in_scene]
        is_early = time_s - self._placed_s < self._least_pause_s
        if is_early and in_scene and all(identity.seen for identity in in_scene):
            return True
        self._placed_s = time_s
        return False

    def _is_detection_due(self, found: list[FaceLandmarks | None]) -> bool:
        """Whether a face was lost on this frame, or the pause between two detections is over."""
        absent = [i for i, face in zip(self._identities, found, strict=True) if face is None]
        if not absent:
            return False
        if any(identity.in_scene for identity in absent):
            self._in_vain = 0
            return True
        if not self._until_detection:
            return True
        self._until_detection -= 1
        return False

    def _detect(self, pixels: Pixels) -> tuple[FaceLandmarks, ...]:
        coarse = self._in_vain >= _THOROUGH_AT_FIRST and self._in_vain % _THOROUGH_EVERY != 0
        self._in_vain += 1
        return self._detector.detect(pixels, all_sizes=self._all_sizes, coarse=coarse)

    def _assign(
        self, found: list[FaceLandmarks | None], detected: tuple[FaceLandmarks, ...]
    ) -> None:
        """Fill the gaps in `found` with those detected faces that no identity has yet."""
        free = [
            face
            for face in detected
            if not any(other and same_face(face, other) for other in found)
        ]
        for take in (Identity.find_again, self._choose):
            for place, identity in enumerate(self._identities):
                if found[place] is None and (face := take(identity, free)) is not None:
                    found[place] = face
                    free.remove(face)
        pause = _DETECT_EVERY if not any(found) else _DETECT_EVERY_WITH_FACES
        self._until_detection = 0 if all(found) else pause - 1

    def _choose(self, identity: Identity, free: list[FaceLandmarks]) -> FaceLandmarks | None:
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


def _without_duplicates(faces: list[FaceLandmarks | None]) -> list[FaceLandmarks | None]:
    """The faces; of two that are the same one, only that of the higher presence."""
    kept = list(faces)
    for first, second in combinations(range(len(faces)), 2):
        one, other = kept[first], kept[second]
        if one is not None and other is not None and same_face(one, other):
            kept[first if one.presence < other.presence else second] = None
    return kept
