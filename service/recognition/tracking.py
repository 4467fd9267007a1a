"""A face through a clip or a video: one stable crop for each scene, and what disturbs it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from service.recognition.face import align, crop, whole
from service.recognition.types import Crop, Face, Pixels, Similarity


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one frame shows of the face that is followed.

    `crop` and `face` are None where no face is. Crops of one `scene` are cut by one transform, so
    that they may be compared; crops of two scenes may not. `seen` are words of the contract's
    warnings that apply to this frame.
    """

    crop: Crop | None
    scene: int
    faces: tuple[Face, ...] = ()
    seen: Collection[str] = field(default=frozenset())

    @property
    def face(self) -> Face | None:
        return self.faces[0] if self.faces else None


class Detector(Protocol):
    def detect(self, frame: Pixels) -> tuple[Face, ...]: ...


class Track(Protocol):
    """Sees the frames of one clip, in the order of time."""

    def view(self, pixels: Pixels) -> View: ...


class Whole:
    """For frames that are tight face crops already."""

    def view(self, pixels: Pixels) -> View:
        return View(whole(pixels), 0)


class FaceTrack:
    """Follows the largest face."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._faces: tuple[Face, ...] = ()
        self._where: Similarity | None = None

    def view(self, pixels: Pixels) -> View:
        if self._where is None:
            self._faces = self._detector.detect(pixels)
            if not self._faces:
                return View(None, 0)
            self._where = align(self._faces[0])
        return View(crop(pixels, self._where), 0, self._faces)
