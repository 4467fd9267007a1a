"""The dense landmarks of a face, by MediaPipe's face mesh.

Y. Kartynnik, A. Ablavatski, I. Grishchenko and M. Grundmann, "Real-time Facial Surface Geometry
from Monocular Video on Mobile GPUs", arXiv:1907.06724. Coordinates are OpenCV's: the centre of a
picture's first pixel is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.regions import Region, sample
from off_tanet.recognition.onnx_session import open_session
from off_tanet.types import Face, Landmarks, Pixels

Points = NDArray[np.float64]

COUNT = 468
_SIDE = 192  # pixels of the network's input

# Means of these landmarks lie at the centres of the eyes and the tip of the nose.
_EYES = ((33, 133, 159, 145), (362, 263, 386, 374))
_NOSE = (1, 4)
_MOUTH = (61, 291)


@dataclass(frozen=True, eq=False)
class FaceLandmarks:
    """The landmarks of one face on one picture.

    Attributes:
        points: x, y and z of each landmark in image pixels, [468, 3]; z is measured from the
            head's centre and smaller when nearer to the camera.
        presence: The probability that there is a face, 0..1.
    """

    points: Points
    presence: float

    @cached_property
    def region(self) -> Region:
        """The region in which the face is expected on the next frame."""
        return Region.around_landmarks(self.points)

    @property
    def size(self) -> float:
        """The larger of the face's width and height along its own axes, in pixels."""
        return self.region.face_size

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The tight box around all landmarks: left, top, right and bottom edge in pixels.

        The edges are those of pixels: the left edge of the picture is 0.
        """
        (left, top), (right, bottom) = (
            self.points[:, :2].min(axis=0) + 0.5,
            self.points[:, :2].max(axis=0) + 0.5,
        )
        return float(left), float(top), float(right), float(bottom)

    def five(self) -> Points:
        """Return left eye, right eye, nose, left and right corner of the mouth, [5, 2].

        Left and right are the picture's.
        """
        places = self.points[:, :2]
        groups = (*_EYES, _NOSE, *((corner,) for corner in _MOUTH))
        return np.array([places[list(group)].mean(axis=0) for group in groups])

    def face(self, width: int, height: int) -> Face:
        """Return the face as part of an answer.

        Args:
            width: The width of the picture, in pixels.
            height: Its height.

        Returns:
            The face; its box is clipped to the picture, its score is the presence.
        """
        left, top, right, bottom = self.box
        left, right = max(left, 0.0), min(right, float(width))
        top, bottom = max(top, 0.0), min(bottom, float(height))
        marks = ((float(x), float(y)) for x, y in self.five())
        box = left, top, max(right - left, 0.0), max(bottom - top, 0.0)
        return Face(box=box, score=self.presence, landmarks=Landmarks(*marks))


class FaceMesh:
    """Places the landmarks of a face whose region is roughly known.

    Args:
        path: The ONNX file.
        threads: The number of threads.

    Raises:
        ModelError: If the file is missing or cannot be run.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._session = open_session(path, threads)

    def landmarks(self, pixels: Pixels, region: Region) -> FaceLandmarks:
        """Place the landmarks of the face in a region.

        Args:
            pixels: The picture [H, W, 3].
            region: Where the face is expected.

        Returns:
            The landmarks. They mean nothing where `presence` is low.
        """
        square = sample(pixels, region, _SIDE)
        found, presence = self._session.run(["landmarks", "presence"], {"pixels": square[None]})
        xy = region.to_picture(found[0, :, :2])
        z = found[0, :, 2].astype(np.float64) * region.side
        return FaceLandmarks(np.column_stack([xy, z]), float(presence[0]))
