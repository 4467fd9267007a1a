"""The portrait in clips: a head that turns in space, a hand over it, other scenes."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.alignment import align
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.types import CROP_SIZE, Pixels, Similarity

from tests.support import factories
from tests.support.turned_heads import Portrait, Turn

Floats = NDArray[np.float32]

SCALE = 1.5
FACE = (slice(0, 300), slice(60, 400))  # of the portrait: rows, columns


@cache
def still() -> Floats:
    """The portrait's head and shoulders, [450, 510, 3]."""
    part = factories.portrait()[FACE].astype(np.float32)
    size = (round(part.shape[1] * SCALE), round(part.shape[0] * SCALE))
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC), np.float32)


@cache
def placement() -> Similarity:
    """From `still` to its canonical crop."""
    return align(FaceDetector(ASSETS).detect(shot(still()))[0])


def shot(picture: Floats, noise: float = 1.0, seed: int = 0) -> Pixels:
    """The image with camera noise."""
    grain = np.random.default_rng(seed).normal(0, noise, picture.shape)
    return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)


def shifted(picture: Floats, across: float, down: float) -> Floats:
    """The image moved by this many of its pixels; its edge is repeated."""
    shift = np.array([[1, 0, across], [0, 1, down]], np.float64)
    size = picture.shape[1], picture.shape[0]
    moved_ = cv2.warpAffine(picture, shift, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved_, np.float32)


def turned(yaw: float = 0, pitch: float = 0, roll: float = 0) -> Floats:
    """The head turned by these angles in degrees, to its side, up or down, and in the plane."""
    return head().frame(None, Turn(yaw, pitch, roll))


@cache
def head() -> Portrait:
    """The portrait with the depth of its landmarks."""
    found = Portrait.of(shot(still()), FaceDetector(ASSETS), around=None)
    if found is None:
        raise LookupError("the portrait shows no face")
    return found


def covered(picture: Floats, x: float = 0.5, y: float = 0.75, size: float = 0.3) -> Floats:
    """The image with a hand around (x, y), fractions of the crop: skin, with fingers on it."""
    under, over = still(), picture.copy()
    skin = under[_pixel(0.2, 0.55)[::-1]]
    width = round(0.38 * size * CROP_SIZE / float(np.sqrt(np.linalg.det(placement()[:, :2]))))
    for finger in range(-2, 3):
        across = x + 0.4 * finger * size
        ends = _pixel(across, y - size), _pixel(across + 0.03, y + size)
        cv2.line(over, *ends, (skin * (1 - 0.08 * abs(finger))).tolist(), width, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(over, (0, 0), 1.2), np.float32)


def masked(shade: float = 225, pleats: float = 5) -> Floats:
    """A face mask over nose, mouth and chin: cloth of one brightness, with pleats across it."""
    over = still().copy()
    outline = [(0.5, 0.42), (0.78, 0.5), (0.9, 0.6), (0.82, 0.9), (0.62, 1.02)]
    corners = outline + [(1 - x, y) for x, y in outline[:0:-1]]
    cloth = np.zeros(over.shape[:2], np.uint8)
    cv2.fillPoly(cloth, [np.array([_pixel(*corner) for corner in corners])], 255, cv2.LINE_AA)
    rows = np.arange(over.shape[0], dtype=np.float32)[:, None, None]
    folded = shade + pleats * np.sin(2 * np.pi * rows / 24)
    share = cv2.GaussianBlur(cloth, (0, 0), 1.0).astype(np.float32)[..., None] / 255
    return np.asarray(over * (1 - share) + folded * share, np.float32)


def closed_eyes() -> Floats:
    """Lids of skin over both eyes, with lashes along their edge."""
    over = still().copy()
    scale = 1 / float(np.sqrt(np.linalg.det(placement()[:, :2])))
    for x in (0.27, 0.73):
        skin = over[_pixel(x, 0.40)[::-1]].tolist()
        axes = round(11 * scale), round(6 * scale)
        cv2.ellipse(over, _pixel(x, 0.28), axes, 0, 0, 360, skin, -1, cv2.LINE_AA)
        lashes = (axes[0], round(3 * scale))
        cv2.ellipse(over, _pixel(x, 0.30), lashes, 0, 20, 160, (40, 40, 40), round(scale))
    return np.asarray(cv2.GaussianBlur(over, (0, 0), 1.0), np.float32)


def opened_mouth(opening: float) -> Floats:
    """The lower lip and the chin moved down from the teeth, by a share of the eyes' distance."""
    points = _landmarks()
    (left, level), (right, _), (_, lip) = points[78], points[308], points[14]
    rows, columns = np.indices(still().shape[:2], np.float32)
    across = (2 * columns - left - right) / (right - left)
    edge = lip + (level - lip) * across**2
    gap = opening * float(np.ptp(points[[33, 263], 0])) * np.maximum(1 - across**2, 0)
    below = rows - edge - gap
    moved = gap * np.exp(-0.5 * (below / (0.6 * (right - left))) ** 2)
    sources = np.stack([columns, np.where(below >= 0, rows - moved, rows)]).astype(np.float32)
    over = cv2.remap(still(), sources[0], sources[1], cv2.INTER_CUBIC)
    over[(rows > edge) & (below < 0)] = 30
    return np.asarray(cv2.GaussianBlur(over, (0, 0), 0.7), np.float32)


def other_scene(seed: int = 0) -> Floats:
    """An image of the same size without a face."""
    height, width = still().shape[:2]
    return factories.picture(height, width, seed).astype(np.float32)


@cache
def _landmarks() -> NDArray[np.float64]:
    return FaceDetector(ASSETS).detect(shot(still()))[0].points[:, :2]


def _pixel(x: float, y: float) -> tuple[int, int]:
    """The pixel (column, row) at a place of the canonical crop."""
    where = placement()
    place = np.array([x, y]) * CROP_SIZE - 0.5 - where[:, 2]
    column, row = np.linalg.solve(where[:, :2], place).round().astype(int)
    return int(column), int(row)
