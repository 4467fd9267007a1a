"""Pictures of faces that make a known expression while the head turns, nods, tilts and moves.

The depth of the head is that of the picture's landmarks, disturbed at random, so that it is not
exactly what the service assumes. Motions of the face are in pixels at 112 x 112.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.alignment import align, on_crop
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.types import CROP_SIZE, Pixels, Similarity
from off_tanet_export.synthesis.action_units import MIXES, render
from off_tanet_export.synthesis.camera import warp
from off_tanet_export.synthesis.generator import Nuisances, Synthesis
from scipy.interpolate import griddata

from tests.support import factories

Floats = NDArray[np.float32]

_MARGIN = 40  # crop pixels around the crop in which an expression moves the picture
_PIVOT = 50.0  # crop pixels from the plane of the eyes to the axis of the neck
_DEPTH_ERROR, _DEPTH_SCALE = (
    2.0,
    12.0,
)  # crop pixels: standard deviation and width of the disturbance
_AROUND = 1.1  # of a face's size on each side
_LARGEST = 640  # pixels a side


@dataclass(frozen=True, slots=True)
class Turn:
    """What a head does between two frames: degrees, and pixels at 112 x 112."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    right: float = 0.0
    down: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A still face: the picture [H, W, 3], where its crop lies, and the depth of each pixel."""

    picture: Floats
    where: Similarity
    depth: Floats

    @classmethod
    def of(
        cls,
        pixels: Pixels,
        detector: FaceDetector,
        seed: int = 0,
        around: float | None = _AROUND,
    ) -> Portrait | None:
        """Take the largest face of a picture; None where there is none.

        `around` is how much of the picture is kept on each side, in faces; all of it if None.
        """
        found = detector.detect(pixels)
        if not found:
            return None
        if around is not None:
            low, high = found[0].points[:, :2].min(axis=0), found[0].points[:, :2].max(axis=0)
            reach = around * float((high - low).max())
            left, top = np.maximum((low + high) / 2 - reach, 0).astype(int)
            right, bottom = ((low + high) / 2 + reach).astype(int)
            return cls.of(
                np.ascontiguousarray(pixels[top:bottom, left:right]), detector, seed, None
            )
        where = align(found[0])
        depth = _depth(found[0], where, pixels.shape[:2], seed)
        return cls(pixels.astype(np.float32), where, depth)

    def frame(self, expression: Floats | None, turn: Turn) -> Floats:
        """The picture after an expression [2, 192, 192] on the crop and a turn of the head."""
        picture = self.picture
        if expression is not None:
            picture = warp(picture, self._on_picture(expression))
        return warp(picture, self._turned(turn))

    def _places(self) -> Floats:
        """x and y on the crop of each pixel of the picture, [2, H, W]."""
        rows, columns = np.mgrid[: self.picture.shape[0], : self.picture.shape[1]]
        turned = np.einsum("ij,jyx->iyx", self.where[:, :2], np.stack([columns, rows]))
        places: Floats = (turned + self.where[:, 2, None, None]).astype(np.float32)
        return places

    def _to_picture(self, motion: Floats) -> Floats:
        """A motion in crop pixels as one in pixels of the picture, [2, H, W]."""
        back = np.linalg.inv(self.where[:, :2])
        result: Floats = np.einsum("ij,jyx->iyx", back, motion).astype(np.float32)
        return result

    def _on_picture(self, expression: Floats) -> Floats:
        x, y = self._places() + _MARGIN
        sampled = [cv2.remap(part, x, y, cv2.INTER_LINEAR) for part in expression]
        return self._to_picture(np.stack(sampled))

    def _turned(self, turn: Turn) -> Floats:
        middle = np.array([CROP_SIZE / 2, CROP_SIZE / 2 + 4])
        x, y = self._places() - middle[:, None, None]
        points = np.stack([x, y, -(self.depth + _PIVOT)])
        rotation, _ = cv2.Rodrigues(np.radians([turn.pitch, turn.yaw, turn.roll]))
        shift = np.einsum("ij,jyx->iyx", rotation, points)[:2] - points[:2]
        shift += np.array([turn.right, turn.down])[:, None, None]
        distance = np.hypot(x / CROP_SIZE / 0.62, y / CROP_SIZE / 0.78)
        return self._to_picture(shift / (1 + np.exp(14 * (distance - 1.15))))


def _depth(landmarks: FaceLandmarks, where: Similarity, size: tuple[int, int], seed: int) -> Floats:
    """Crop pixels towards the camera from the plane of the landmarks' z = 0, [H, W]."""
    height, width = size
    step = 4
    rows, columns = np.mgrid[0:height:step, 0:width:step]
    places = landmarks.points[:, :2]
    values = -on_crop(landmarks, where)[:, 2]
    inside = griddata(places, values, (columns, rows), "linear")
    outside = griddata(places, values, (columns, rows), "nearest")
    coarse = np.where(np.isnan(inside), outside, inside).astype(np.float32)
    unit = 1 / float(np.sqrt(np.linalg.det(where[:, :2])))
    smooth = cv2.GaussianBlur(coarse, (0, 0), 2.5 * unit / step + 0.5)
    noise = np.random.default_rng(seed).normal(size=coarse.shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), _DEPTH_SCALE * unit / step)
    disturbed = smooth + _DEPTH_ERROR * noise / float(noise.std())
    return np.asarray(cv2.resize(disturbed, (width, height)), np.float32)


def expression(label: int, seed: int, px: float) -> Floats:
    """The motion [2, 192, 192] of a class's action units around a crop, at most `px`."""
    drawn = Synthesis(seed, nuisances=Nuisances(position=0.02, width=0.15))
    units = [unit for unit in drawn.mix(MIXES[label]) if unit != "AU45"]
    field = render(
        [bump for unit in units for bump in drawn.sides(unit, drawn.lognormal(0.2))],
        CROP_SIZE,
        _MARGIN,
    )
    return (field * np.float32(px / float(np.hypot(*field).max()))).astype(np.float32)


def shot(picture: Floats, noise: float, rng: np.random.Generator) -> Pixels:
    """The picture as a camera gives it, with Gaussian noise in grey levels."""
    return np.clip(np.rint(picture + rng.normal(0, noise, picture.shape)), 0, 255).astype(np.uint8)


def portraits(folder: Path | None, count: int) -> Iterator[Portrait]:
    """The public-domain portrait and the faces of the first `count` large pictures of a folder."""
    detector = FaceDetector(ASSETS)
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder else []
    pictures = (cv2.imread(str(path)) for path in files)
    large = (
        picture for picture in pictures if picture is not None and min(picture.shape[:2]) > 290
    )
    for seed, picture in enumerate([factories.portrait(), *large]):
        if seed > count:
            return
        scale = min(1.0, _LARGEST / max(picture.shape[:2]))
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        portrait = Portrait.of(np.asarray(small, np.uint8), detector, seed)
        if portrait is not None:
            yield portrait
