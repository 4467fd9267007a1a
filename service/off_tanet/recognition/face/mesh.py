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

# Means of four landmarks each: the centres of both eyes, the tip of the nose, both corners of the
# mouth.
_FIVE = np.array([(33, 133, 159, 145), (362, 263, 386, 374), (1, 4, 1, 4), (61,) * 4, (291,) * 4])


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

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """The tight box around all landmarks: left, top, right and bottom edge in pixels.

        The edges are those of pixels: the left edge of the picture is 0.
        """
        places = self.points[:, :2]
        left, top = (places.min(axis=0) + 0.5).tolist()
        right, bottom = (places.max(axis=0) + 0.5).tolist()
        return left, top, right, bottom

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
        marks = map(tuple, five_points(self.points).tolist())
        box = left, top, max(right - left, 0.0), max(bottom - top, 0.0)
        return Face(box=box, score=self.presence, landmarks=Landmarks(*marks))


def five_points(landmarks: Points) -> Points:
    """Return left eye, right eye, nose, left and right corner of the mouth, [5, 2].

    Left and right are the picture's. The landmarks are [468, 2 or more].
    """
    means: Points = landmarks[_FIVE, :2].mean(axis=1)
    return means


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
        points = np.empty((COUNT, 3), order="F")  # what is read most are columns
        points[:, :2] = region.to_picture(found[0, :, :2])
        np.multiply(found[0, :, 2], region.side, out=points[:, 2])
        return FaceLandmarks(points, float(presence[0]))
