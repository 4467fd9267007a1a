"""MTCNN: face detection by a cascade of three small networks.

K. Zhang, Z. Zhang, Z. Li and Y. Qiao, "Joint Face Detection and Alignment Using Multitask Cascaded
Convolutional Networks", IEEE Signal Processing Letters 23(10), 2016. P-Net proposes boxes at every
scale of the picture, R-Net rejects most of them, O-Net rejects more and locates five landmarks.

Boxes are float64 [N, 4]: left, top, right and bottom edge; the picture's left and top edges are at
0, and its first pixel ends at 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from off_tanet.recognition.face.pyramid import Octaves
from off_tanet.recognition.onnx_session import open_session
from off_tanet.types import Pixels

CELL, STRIDE = 12, 2  # pixels: the field of view of an output of P-Net, the step to the next
BORDER = 4  # border pixels repeated around each scale, so that a face that fills it fits a cell
REFINE_CELL, PLACE_CELL = 24, 48
SCALE_STEP = 0.709  # from the paper: each scale has half the area of the previous one
PROPOSED, REFINED, PLACED, SEEN = 0.7, 0.7, 0.7, 0.9  # the scores above which a box passes
MOST_PROPOSED, MOST_REFINED = 128, 32  # limits the work for one picture
# P-Net uses 500 bytes for each pixel: a strip of 2 million took 1.1 GB at once. A picture two and a
# half times as long as wide has 225,000 pixels at its largest scale and is processed at once.
MOST_PIXELS = 250_000

Boxes = NDArray[np.float64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """N faces, best first.

    `boxes` [N, 4], `scores` [N] in 0..1, `landmarks` [N, 5, 2] (x, y) from the picture's left and
    top edge: left eye, right eye, nose, left and right mouth corner, left as seen in the picture.
    """

    boxes: Boxes
    scores: Scores
    landmarks: NDArray[np.float64]

    def moved(self, across: float, down: float) -> Detections:
        """Return the same faces in shifted coordinates."""
        shift = np.array([across, down])
        return Detections(self.boxes + np.tile(shift, 2), self.scores, self.landmarks + shift)


class Mtcnn:
    """The cascade of pnet.onnx, rnet.onnx and onet.onnx in `folder`.

    Raises:
        ModelError: If one of them is missing or cannot be run.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._proposer, self._refiner, self._placer = (
            open_session(folder / f"{name}.onnx", threads) for name in ("pnet", "rnet", "onet")
        )

    def detect(self, octaves: Octaves, smallest: float) -> Detections:
        """Return the faces of about `smallest` pixels and more, possibly none."""
        proposed = self._propose(octaves, smallest)
        refined = self._refine(octaves, proposed[:MOST_PROPOSED])
        first = self._place(octaves, squared(refined[:MOST_REFINED]), PLACED)
        # A second run, on a square that does not depend on the proposal, halves the noise of the
        # landmarks and raises the scores of real faces to nearly 1.
        return self._place(octaves, around(first.landmarks), SEEN)

    def look(self, octaves: Octaves, landmarks: NDArray[np.float64]) -> Detections:
        """Return the faces near landmarks [N, 5, 2], by the last network alone."""
        return self._place(octaves, around(landmarks), PLACED)

    def _propose(self, octaves: Octaves, smallest: float) -> Boxes:
        found = [self._propose_at(octaves, scale) for scale in scales(octaves.size, smallest)]
        boxes = np.concatenate([np.empty((0, 4)), *(boxes for boxes, _ in found)])
        scores = np.concatenate([np.empty(0), *(scores for _, scores in found)])
        return boxes[suppress(boxes, scores, 0.5)]

    def _propose_at(self, octaves: Octaves, scale: float) -> tuple[Boxes, Scores]:
        level = octaves.scaled(scale)
        step = np.array(octaves.size) / level.shape[1::-1]
        level = bordered(level)
        found = [
            self._propose_in(level[down, across], (across.start, down.start), step)
            for down, across in windows(level.shape[0], level.shape[1])
        ]
        if len(found) == 1:
            return found[0]
        # No more are used later, and suppression is quadratic in their number.
        boxes = np.concatenate([boxes[:MOST_PROPOSED] for boxes, _ in found])
        scores = np.concatenate([scores[:MOST_PROPOSED] for _, scores in found])
        keep = suppress(boxes, scores, 0.5)[:MOST_PROPOSED]
        return boxes[keep], scores[keep]

    def _propose_in(
        self, window: Pixels, place: tuple[int, int], step: NDArray[np.float64]
    ) -> tuple[Boxes, Scores]:
        """The proposals of P-Net in a part of a level that begins at `place` (x, y)."""
        score, offset = self._proposer.run(["score", "box"], {"pixels": window[None]})
        rows, columns = np.nonzero(score[0] > PROPOSED)
        corner = np.stack([columns, rows], axis=1) * STRIDE + place - BORDER
        boxes = np.hstack([corner * step, (corner + CELL) * step])
        boxes = corrected(boxes, offset[0, rows, columns])
        scores = score[0, rows, columns].astype(np.float64)
        keep = suppress(boxes, scores, 0.5)
        return boxes[keep], scores[keep]

    def _refine(self, octaves: Octaves, boxes: Boxes) -> Boxes:
        if not len(boxes):
            return boxes
        boxes = squared(boxes)
        pixels = octaves.cut(boxes, REFINE_CELL)
        score, offset = self._refiner.run(["score", "box"], {"pixels": pixels})
        passed = score > REFINED
        boxes = corrected(boxes[passed], offset[passed])
        return boxes[suppress(boxes, score[passed], 0.7)]

    def _place(self, octaves: Octaves, squares: Boxes, threshold: float) -> Detections:
        if not len(squares):
            return Detections(squares, np.empty(0), np.empty((0, 5, 2)))
        pixels = octaves.cut(squares, PLACE_CELL)
        names = ["score", "box", "landmarks"]
        score, offset, points = self._placer.run(names, {"pixels": pixels})
        landmarks = squares[:, None, :2] + points * (squares[:, 2:] - squares[:, :2])[:, None]
        boxes = corrected(squares, offset)
        keep = suppress(boxes, score, 0.7, inside=True)
        keep = keep[score[keep] > threshold]
        return Detections(boxes[keep], score[keep].astype(np.float64), landmarks[keep])


def scales(size: tuple[int, int], smallest: float) -> Iterator[float]:
    """Yield the scales from that at which `smallest` fills P-Net's cell to that of the picture."""
    scale = min(1.0, CELL / smallest)
    while min(size) * scale >= CELL - 2 * BORDER:
        yield scale
        scale *= SCALE_STEP


def windows(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of parts of a level with at most `MOST_PIXELS` pixels each.

    They overlap such that P-Net gives each output once, as for the whole level.
    """
    shorter, longer = min(height, width), max(height, width)
    length = max(2 * CELL, MOST_PIXELS // shorter // STRIDE * STRIDE)
    answered = length - (CELL - STRIDE)
    for start in range(0, max(1, longer - (CELL - STRIDE)), answered):
        part = slice(start, min(start + length, longer))
        yield (part, slice(0, width)) if height >= width else (slice(0, height), part)


def bordered(level: Pixels) -> Pixels:
    """Return the picture with its border pixels repeated `BORDER` times."""
    around = (BORDER, BORDER), (BORDER, BORDER), (0, 0)
    return np.pad(level, around, mode="edge")


def corrected(boxes: Boxes, offsets: NDArray[np.float32]) -> Boxes:
    """Return boxes with edges moved by `offsets` [N, 4], in widths and heights of each box."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes + offsets * np.hstack([size, size])


def squared(boxes: Boxes) -> Boxes:
    """Return squares around the centres, with the longer side of each box, at least a pixel."""
    half = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True), 1) / 2
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.hstack([centre - half, centre + half])


def around(landmarks: NDArray[np.float64]) -> Boxes:
    """Return squares around landmarks [N, 5, 2] for O-Net, 4.2 times as wide as their spread."""
    centre = landmarks.mean(axis=1)
    spread = np.sqrt(((landmarks - centre[:, None]) ** 2).sum(axis=2).mean(axis=1, keepdims=True))
    return np.hstack([centre - 2.1 * spread, centre + 2.1 * spread])


def suppress(
    boxes: Boxes, scores: NDArray[np.floating], overlap: float, inside: bool = False
) -> NDArray[np.intp]:
    """Return indices, best first, of the boxes that overlap no better one by more than `overlap`.

    Overlap is intersection over union or, with `inside`, over the smaller box.
    """
    left, top, right, bottom = boxes.T
    area = (right - left) * (bottom - top)
    rest = np.argsort(-scores, kind="stable")
    kept = []
    while rest.size:
        best, rest = rest[0], rest[1:]
        kept.append(best)
        across = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest])
        down = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest])
        common = np.maximum(across, 0) * np.maximum(down, 0)
        union = area[best] + area[rest] - common
        whole = np.minimum(area[best], area[rest]) if inside else union
        rest = rest[common <= overlap * whole]
    return np.array(kept, np.intp)
