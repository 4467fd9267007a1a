"""Face detection: MediaPipe's BlazeFace proposes faces, the face mesh accepts or rejects them.

V. Bazarevsky, Y. Kartynnik, A. Vakunov, K. Raveendran and M. Grundmann, "BlazeFace: Sub-millisecond
Neural Face Detection on Mobile GPUs", arXiv:1907.05047. Coordinates are OpenCV's: the centre of a
picture's first pixel is (0, 0).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.mesh import FaceLandmarks, FaceMesh
from off_tanet.recognition.face.regions import Region
from off_tanet.recognition.onnx_session import Session, open_session
from off_tanet.types import Frame, Pixels

LEAST_PRESENCE = 0.5
"""The lowest presence of a face; MediaPipe's."""

_LEAST_LOGIT = 0.0  # a probability of 0.5
_MOST_OVERLAP = 0.3


class FaceDetector:
    """Detects faces and places their landmarks.

    Args:
        assets: The folder whose subfolder `face` contains the networks.
        threads: The number of threads of each network.

    Raises:
        ModelError: If a file is missing or cannot be run.
    """

    def __init__(self, assets: Path, threads: int = 1) -> None:
        folder = assets / "face"
        self._short = open_session(folder / "detector_short_range.onnx", threads)
        self._full = open_session(folder / "detector_full_range.onnx", threads)
        self._mesh = FaceMesh(folder / "mesh.onnx", threads)

    def detect(self, frame: Frame | Pixels) -> tuple[FaceLandmarks, ...]:
        """Detect the faces of a picture.

        Args:
            frame: The picture [H, W, 3].

        Returns:
            The landmarks of each face, the largest first, possibly none.
        """
        picture = frame.pixels if isinstance(frame, Frame) else frame
        for session, side in ((self._short, 128), (self._full, 192)):
            found = [self._accept(picture, region) for region in propose(session, picture, side)]
            faces = [face for face in found if face is not None]
            if faces:
                return tuple(sorted(faces, key=lambda face: face.region.side, reverse=True))
        return ()

    def follow(self, picture: Pixels, face: FaceLandmarks) -> FaceLandmarks | None:
        """Place the landmarks of a known face on a later frame, without detection.

        Args:
            picture: The later frame [H, W, 3].
            face: The face on an earlier frame.

        Returns:
            The face on the later frame, or None if it is gone.
        """
        return self._accept(picture, face.region)

    def _accept(self, picture: Pixels, region: Region) -> FaceLandmarks | None:
        landmarks = self._mesh.landmarks(picture, region)
        return landmarks if landmarks.presence >= LEAST_PRESENCE else None


def propose(session: Session, picture: Pixels, side: int) -> list[Region]:
    """Propose faces, the likeliest first."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    square = np.zeros((side, side, 3), np.uint8)
    square[: size[1], : size[0]] = small
    (answer,) = session.run(["detections"], {"pixels": square[None]})
    found = answer[0][answer[0, :, 0] > _LEAST_LOGIT].astype(np.float64)
    regions: list[Region] = []
    boxes: list[NDArray[np.float64]] = []
    for row in found[np.argsort(-found[:, 0])]:
        x, y, across, down = row[1:5] * side
        if any(_overlap(row[1:5], box) > _MOST_OVERLAP for box in boxes):
            continue
        boxes.append(row[1:5])
        corners = np.array([(x - across / 2, y - down / 2), (x + across / 2, y + down / 2)])
        eyes = row[5:9].reshape(2, 2) * side
        to_picture = np.array([width / size[0], height / size[1]])
        # MediaPipe squares the box by its longer side, whatever the angle.
        middle, half = corners.mean(axis=0), np.full(2, max(across, down) / 2)
        box = np.array([middle - half, middle + half]) * to_picture - 0.5
        first, second = eyes * to_picture - 0.5
        angle = float(np.arctan2(*(second - first)[::-1]))
        x, y = box.mean(axis=0)
        regions.append(Region(float(x), float(y), 1.5 * float(np.ptp(box, axis=0).max()), angle))
    return regions


def _overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes, each (x, y, width, height) from the centre."""
    low = np.maximum(first[:2] - first[2:] / 2, second[:2] - second[2:] / 2)
    high = np.minimum(first[:2] + first[2:] / 2, second[:2] + second[2:] / 2)
    shared = np.maximum(high - low, 0).prod()
    return float(shared / (first[2:].prod() + second[2:].prod() - shared))
