"""One face through the scenes of a clip, where it is seen and where it is lost."""

from __future__ import annotations

from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.tracking import (
    NEAR,
    Detector,
    TrackedFace,
    TrackedFrame,
    nearest,
)
from off_tanet.types import Pixels

_DRIFT, _FAR = 0.05, 2.0  # of a face's region: moved for each frame while it is lost, and at most
_LOST_FRAMES = 3  # without a face, after which one that reappears begins a scene


class Identity:
    """One face through the scenes of a clip.

    Args:
        detector: Detects faces and places landmarks.
        keeps: Whether it stays the same face when it is lost.
        drifts: Whether it may be found again the farther away the longer it is lost.

    Attributes:
        latest: The landmarks at which the face was last seen; None if another face may take the
            identity.
    """

    def __init__(self, detector: Detector, keeps: bool, drifts: bool) -> None:
        self.latest: FaceLandmarks | None = None
        self._detector = detector
        self._keeps = keeps
        self._drifts = drifts
        self._face: TrackedFace | None = None
        self._scene = 0
        self._missing = 0  # frames since the face was last seen

    @property
    def in_scene(self) -> bool:
        """Whether the face was seen on this or one of the last few frames."""
        return self._face is not None

    @property
    def seen(self) -> bool:
        """Whether the face was seen on the latest frame on which landmarks were placed."""
        return self._face is not None and not self._missing

    def forget(self) -> None:
        """End the scene, after which any face may take the identity."""
        self.latest = None
        self._end_scene()

    def follow(self, pixels: Pixels) -> FaceLandmarks | None:
        """Return the face on the next frame, without detection."""
        if self._face is None or self.latest is None:
            return None
        return self._detector.follow(pixels, self.latest)

    def hold(self, pixels: Pixels) -> TrackedFrame:
        """Crop the face on the next frame where it was on the latest one, if it was seen there."""
        if self._face is None:
            return self._lost(set())
        return self._face.hold(pixels)

    def find_again(self, free: list[FaceLandmarks]) -> FaceLandmarks | None:
        """Return the lost face, if it is one of those."""
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
            return self._lost(warnings)
        self.latest, self._missing = landmarks, 0
        if self._face is None:
            height, width = pixels.shape[:2]
            faces = (landmarks,) if self._keeps else detected
            self._face = TrackedFace(tuple(face.face(width, height) for face in faces))
        return self._face.frame(pixels, landmarks, self._scene, warnings)

    def _lost(self, warnings: set[str]) -> TrackedFrame:
        return TrackedFrame(None, self._scene, warnings=frozenset({"face_lost", *warnings}))

    def _end_scene(self) -> None:
        self._face = None
        self._scene += 1
