"""One motion of brows or mouth, rendered at any rate, size and length: the result must not change.

The portrait is moved along fixed fields. Lengths are in pixels of the portrait, whose face is 89
pixels wide, times in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.types import Pixels

from tests.support import factories

FACE = 89.0
_CENTRE = np.array([223.0, 135.0])
_AROUND = 1.1  # of the face, from its centre to the image's edges
_SPOTS = {
    "brows": ((203, 98, 13, 9), (243, 100, 13, 9)),
    "mouth": ((203, 166, 9, 7), (244, 168, 9, 7)),
}
"""x, y and widths of the two Gaussians that move up."""


@dataclass(frozen=True, slots=True)
class Take:
    """How it is rendered: `face_px` is the face's width, `noise` the camera's in grey levels."""

    fps: float
    seconds: float = 0.5
    apexes_s: tuple[float, ...] = (0.2,)
    rise_s: float = 0.08
    fall_s: float = 0.15
    px: float = 1.6
    where: str = "brows"
    face_px: float = 89.0
    noise: float = 1.0
    seed: int = 0

    @property
    def times_s(self) -> NDArray[np.float64]:
        return np.arange(round(self.seconds * self.fps)) / self.fps

    def courses(self) -> NDArray[np.float64]:
        """The amplitude of the motion on each frame, 0 to 1: raised cosines."""
        since_s = self.times_s - np.array(self.apexes_s)[:, None]
        parts = np.where(since_s <= 0, 1 + since_s / self.rise_s, 1 - since_s / self.fall_s)
        linear = np.clip(parts, 0, 1).max(axis=0, initial=0)
        return np.asarray(0.5 - 0.5 * np.cos(np.pi * linear), np.float64)


def film(take: Take) -> Iterator[Pixels]:
    """The frames of a take, square, of even width."""
    zoom = take.face_px / FACE
    half = round(_AROUND * take.face_px)
    rows, columns = np.indices((2 * half, 2 * half), np.float32)
    matrix = np.array([[zoom, 0, half - zoom * _CENTRE[0]], [0, zoom, half - zoom * _CENTRE[1]]])
    how = cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA
    still = cv2.warpAffine(
        factories.portrait(),
        matrix,
        (2 * half, 2 * half),
        flags=how,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    up = np.zeros_like(rows)
    for x, y, width, height in _SPOTS[take.where]:
        across, down = matrix @ (x, y, 1)
        up += np.exp(
            -(((columns - across) / (zoom * width)) ** 2) - ((rows - down) / (zoom * height)) ** 2
        )
    rng = np.random.default_rng(take.seed)
    for part in take.courses():
        from_rows = rows + np.float32(part * take.px * zoom) * up
        moved = cv2.remap(
            still, columns, from_rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
        grain = rng.standard_normal(still.shape, np.float32) * np.float32(take.noise)
        yield np.clip(np.rint(moved + grain), 0, 255).astype(np.uint8)
