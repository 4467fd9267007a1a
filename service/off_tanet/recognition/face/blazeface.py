"""BlazeFace, the network that proposes where faces may be.

V. Bazarevsky, Y. Kartynnik, A. Vakunov, K. Raveendran and M. Grundmann, "BlazeFace: Sub-millisecond
Neural Face Detection on Mobile GPUs", arXiv:1907.05047. Coordinates are OpenCV's: the centre of a
picture's first pixel is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.regions import Region, sample
from off_tanet.recognition.onnx_session import open_session
from off_tanet.types import Pixels

Rows = NDArray[np.float64]

SIDE = 128
"""The side of the network's input, in pixels."""

LEAST_LOGIT = -2.0
"""The lowest score of a proposal.

MediaPipe's is 0. At -2, faces of 14 input pixels are proposed in 98% of 60 photographs instead of
63%, faces of 16 pixels in 97% at every angle instead of 63 to 87%, and faces of which the border
cuts off 45% in 95% instead of 12 to 55%; there are 1.3 instead of 1.0 proposals on a portrait.
"""

_MOST_OVERLAP = 0.3
_WEAK_LOGIT, _WEAK_SHARE = -1.5, 24 / SIDE  # a box of 24 pixels is a face of 18
_MARGIN = 1.5  # from the box to the region that the mesh expects; MediaPipe's


@dataclass(frozen=True, slots=True)
class Proposal:
    """A region that may contain a face.

    Attributes:
        region: The region, as the face mesh expects it.
        logit: The logit of the probability that it contains a face.
        is_weak: Whether the logit is low for the size of the face: true of 3% of the faces that a
            tile shows whole, and of most proposals without a face.
    """

    region: Region
    logit: float
    is_weak: bool


class BlazeFace:
    """Proposes faces in square tiles of a picture.

    Args:
        path: The ONNX file of the short-range network.
        threads: The number of threads.

    Raises:
        ModelError: If the file is missing or cannot be run.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._session = open_session(path, threads)

    def propose(self, picture: Pixels, tile: Region) -> list[Proposal]:
        """Propose the faces of one tile.

        Args:
            picture: The picture [H, W, 3].
            tile: The part of the picture to search; it may reach beyond the picture. Faces of
                about 1/10 of its side to the whole side are proposed, at any angle.

        Returns:
            The proposals, the likeliest first.
        """
        pixels = sample(picture, tile, SIDE)
        (answer,) = self._session.run(["detections"], {"pixels": pixels[None]})
        rows = answer[0][answer[0, :, 0] > LEAST_LOGIT].astype(np.float64)
        return [_proposal(row, tile) for row in blend(rows)]


def blend(rows: Rows) -> list[Rows]:
    """Replace each group of overlapping detections by its average, weighted by probability.

    Args:
        rows: The detections [N, 5 or more]: logit, centre x and y, width, height and any points.

    Returns:
        The averages, the likeliest first; the logit is the highest of the group.
    """
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    blended: list[Rows] = []
    while len(rows):
        near = _overlap(rows[:, 1:5], rows[0, 1:5]) > _MOST_OVERLAP
        near[0] = True
        weights = 1 / (1 + np.exp(-rows[near, 0]))
        average = weights @ rows[near] / weights.sum()
        average[0] = rows[0, 0]
        blended.append(average)
        rows = rows[~near]
    return blended


def _proposal(row: Rows, tile: Region) -> Proposal:
    """Convert a detection from fractions of the tile to the picture's pixels."""
    centre, right_eye, left_eye = tile.to_picture(row[[1, 2, 5, 6, 7, 8]].reshape(3, 2))
    across, down = left_eye - right_eye
    side = max(1.0, _MARGIN * tile.side * float(row[3:5].max()))
    region = Region(float(centre[0]), float(centre[1]), side, float(np.arctan2(down, across)))
    is_weak = bool(row[0] < _WEAK_LOGIT and row[3:5].max() >= _WEAK_SHARE)
    return Proposal(region, float(row[0]), is_weak)


def _overlap(boxes: Rows, box: Rows) -> Rows:
    """Intersection over union of boxes [N, 4] and one box, each (x, y, width, height)."""
    low = np.maximum(boxes[:, :2] - boxes[:, 2:] / 2, box[:2] - box[2:] / 2)
    high = np.minimum(boxes[:, :2] + boxes[:, 2:] / 2, box[:2] + box[2:] / 2)
    shared = np.maximum(high - low, 0).prod(axis=1)
    overlap: Rows = shared / (boxes[:, 2:].prod(axis=1) + box[2:].prod() - shared)
    return overlap
