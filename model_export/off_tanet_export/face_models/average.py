r"""The average face, from the landmarks of many pictures.

Usage::

    python -m off_tanet_export.face_models.average FOLDER \
        --output service/off_tanet/assets/face/average.npy

FOLDER holds pictures with one face each. Pictures without a face and faces that are turned aside
are left out. The shapes are brought onto one another by similarities of their rigid landmarks
(generalised Procrustes analysis), averaged, made symmetric, and placed on the canonical crop.
The shipped file is of 458 photographs of public data sets; it contains no picture of anybody.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.alignment import similarity, transform
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.geometry import RIGID
from off_tanet.types import Similarity
from scipy.optimize import linear_sum_assignment

Points = NDArray[np.float64]

ANCHORS = ((33, 133, 159, 145), (362, 263, 386, 374), (1, 4), (61,), (291,))
PLACES = np.array([(30.9, 32.2), (79.6, 32.2), (55.25, 59.9), (35.0, 79.9), (75.5, 79.9)])
"""Where the means of `ANCHORS` lie on the crop, in pixels: eyes, nose and corners of the mouth.

Measured as means over the same photographs, cropped by the five landmarks of the detector that the
shipped model was trained and scored with, so that faces stay where the model expects them.
"""

_MOST_TURNED = 0.12  # difference of the halves of the face, as a share of its width; 10 degrees
_ROUNDS = 4
_LEAST_SIDE = 60


def shapes(folder: Path) -> Iterator[Points]:
    """Yield the landmarks [468, 3] of each frontal face, in pixels of its picture."""
    detector = FaceDetector(ASSETS)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        picture = cv2.imread(str(path))
        if picture is None or min(picture.shape[:2]) < _LEAST_SIDE:
            continue
        found = detector.detect(np.asarray(picture, np.uint8))
        if found and _is_frontal(found[0].points):
            yield found[0].points


def average(faces: Sequence[Points]) -> Points:
    """Average the shapes of faces.

    Args:
        faces: The landmarks of each face, [468, 3].

    Returns:
        The average face in crop pixels, [468, 3], symmetric about its middle.
    """
    normal = [face / np.ptp(face[:, 1]) for face in faces]
    mean = np.median(normal, axis=0)
    for _ in range(_ROUNDS):
        mean = np.median([_brought(face, mean, RIGID) for face in normal], axis=0)
    anchors = [mean[list(group), :2].mean(axis=0) for group in ANCHORS]
    placed = _moved(mean, similarity(np.array(anchors), PLACES))
    return _symmetric(placed)


def _brought(face: Points, target: Points, chosen: NDArray[np.int64]) -> Points:
    return _moved(face, similarity(face[chosen, :2], target[chosen, :2]))


def _moved(face: Points, where: Similarity) -> Points:
    scale = np.sqrt(np.linalg.det(where[:, :2]))
    return np.column_stack([transform(face[:, :2], where), scale * face[:, 2]])


def _symmetric(face: Points) -> Points:
    """The mean of a face and its mirror image, whose landmarks are paired by their places."""
    middle = PLACES[:, 0].mean()
    mirrored = face * (-1, 1, 1) + (2 * middle, 0, 0)
    distances = np.linalg.norm(face[:, None] - mirrored[None], axis=-1)
    partner = linear_sum_assignment(distances)[1]
    return np.asarray((face + mirrored[partner]) / 2, np.float64)


def _is_frontal(face: Points) -> bool:
    """Whether the bridge of the nose is about in the middle between the sides of the face."""
    bridge, right, left = face[168, 0], face[234, 0], face[454, 0]
    return bool(abs((left - bridge) - (bridge - right)) < _MOST_TURNED * abs(left - right))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the average face of a folder of pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    faces = list(shapes(options.folder))
    if not faces:
        print(f"no frontal face was found in {options.folder}", file=sys.stderr)
        return 1
    np.save(options.output, average(faces).astype(np.float32))
    print(f"averaged {len(faces)} faces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
