"""Synthetic motion as the service sees it: faces in motion, photographed, cropped, and TV-L1.

A drawn face, or the public-domain portrait, is moved by action units and by a head that turns in
depth; a camera adds light, blur, noise and compression; then `tvl1` of the service measures the
flow between two crops. What flow makes of lids, lips and bare cheeks is in it without being told.
A share of the pairs is brought to one light first, as the service does; the rest keep what light
makes of flows that were measured elsewhere, which the model is asked of, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.recognition.face.detector import crop
from off_tanet.recognition.flow import tvl1
from off_tanet.recognition.flow.light import matched
from off_tanet.types import CLASSES, CROP_SIZE, Crop, Flow, Similarity
from tqdm import tqdm

from off_tanet_export.datasets.flow_maps import MAP_SIZE
from off_tanet_export.synthesis import face_generator, samples
from off_tanet_export.synthesis.action_units import ExpressionInterval, Field, centres
from off_tanet_export.synthesis.face_generator import EXTENT, MARGIN, Grey
from off_tanet_export.synthesis.generator import Nuisances, Synthesis

FIELD_SIZE = 44
FIELD_MARGIN = round(MARGIN * FIELD_SIZE)
"""Motion is smooth: it is made at this size and enlarged to the picture's."""

INVERSIONS = 3
"""Steps to the place that a pixel came from: motion changes by little from pixel to pixel."""

BLOCK = 8
"""A video codec leaves a block [8, 8] as it was where little has changed."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How much photographs differ. Motions are in pixels at 112 x 112, levels are grey levels.

    `amplitude` is the median motion of a unit of strength 1, `amplitudes` its log-normal spread.
    `gaze` is the chance that the eyes turn. `head` is the strength of the head's rotations and of
    its coming nearer, `drift` that of its shift against them. `noise`, `blur` (pixels) and `light`
    (relative) are the camera's; `matched` is the chance that a pair is brought to one light;
    `jpeg` and `still` are the chances of compression and of blocks that a codec leaves still.
    `portrait` is the chance of the portrait instead of a drawn face. `smallest` to `largest` are
    the pictures' sides.

    `right` and `down` (fractions of the crop), `scale`, `across`, `along` (log-normal, of both axes
    and of each) and `turn` displace the face in its crop.
    """

    amplitude: float = 1.3
    amplitudes: float = 0.5
    gaze: float = 0.25
    head: float = 0.25
    drift: float = 0.5
    noise: float = 2.0
    blur: float = 1.0
    light: float = 0.03
    matched: float = 0.0
    jpeg: float = 0.6
    still: float = 0.25
    portrait: float = 0.05
    smallest: int = 130
    largest: int = 190
    right: float = 0.02
    down: float = 0.045
    scale: float = 0.05
    across: float = 0.05
    along: float = 0.06
    turn: float = 0.05
    nuisances: Nuisances = field(default_factory=Nuisances)


class Rendering:
    """Draws the flow of photographed faces; equal seeds draw equal flows on one machine."""

    def __init__(self, seed: int, scene: Scene | None = None) -> None:
        self.scene = scene or Scene()
        self.synthesis = Synthesis(seed, FIELD_SIZE, self.scene.nuisances, FIELD_MARGIN)
        self.rng = self.synthesis.rng

    def pool(self, pairs: int) -> tuple[Field, NDArray[np.int64]]:
        """The flow [N, 2, 28, 28] of onset and apex in pixels at 112 x 112, and the labels [N].

        Each face makes one expression of every class, so that no look goes with a class.
        """
        labels = np.arange(pairs) % len(CLASSES)
        flows = np.empty((pairs, 2, MAP_SIZE, MAP_SIZE), np.float32)
        for index, label in enumerate(tqdm(labels, desc="rendering", unit="pair")):
            if label == 0:
                face = self.face()
            flow = self.flow(*self.pair(face, int(label)))
            flows[index] = cv2.resize(
                flow.transpose(1, 2, 0), (MAP_SIZE, MAP_SIZE), interpolation=cv2.INTER_AREA
            ).transpose(2, 0, 1)
        return flows, labels

    def face(self) -> Grey:
        """A face at rest, of some resolution."""
        size = int(self.rng.integers(self.scene.smallest, self.scene.largest, endpoint=True))
        if self.rng.random() >= self.scene.portrait:
            return face_generator.draw(self.rng, size)
        picture = portrait(size)[:, :: int(self.rng.choice((-1, 1)))]
        levels = picture * self.rng.uniform(0.5, 1.1) + self.rng.uniform(0, 40)
        return np.asarray(levels.clip(0, 255), np.float32)

    def pair(self, face: Grey, label: int) -> tuple[Crop, Crop]:
        """The crops of onset and apex of a face that makes the expression `label`."""
        size = len(face)
        apex = moved(face, enlarged(self.motion(label), size))
        seen = self.photographed(face, apex)
        where = self.placement(size)
        before, after = (crop(np.stack([levels] * 3, 2), where) for levels in seen)
        return before, after

    def flow(self, onset: Crop, apex: Crop) -> Flow:
        """The flow between two crops, as the service measures it or as others do."""
        share = self.scene.matched
        if share and self.rng.random() < share:  # without one, seeds draw what they drew before
            return matched(onset, apex).flow()
        return tvl1(onset, apex)

    def motion(self, label: int) -> Field:
        """The motion [2, 66, 66] of muscles and head over the picture, in pixels at 112 x 112."""
        muscles = self.synthesis.muscles(label, *self.gaze())
        strength = np.exp(self.rng.normal(0, self.scene.amplitudes))
        motion: Field = self.scene.amplitude * strength * muscles + self.head()
        return motion.astype(np.float32)

    def gaze(self) -> list[ExpressionInterval]:
        """Both eyes, where they turn between onset and apex."""
        if self.rng.random() >= self.scene.gaze:
            return []
        du, dv = self.rng.normal(0, (2.0, 0.7))
        return [ExpressionInterval(x, 0.28, 0.05, 0.025, du, dv) for x in (0.28, 0.72)]

    def head(self) -> Field:
        """The motion [2, 66, 66] of an ellipsoid that turns, nods, tilts, nears and drifts."""
        rng, scene = self.rng, self.scene
        x, y = np.meshgrid(*[centres(FIELD_SIZE, FIELD_MARGIN) - 0.5] * 2)
        strength = abs(rng.normal(0, scene.head))
        yaw, pitch, roll, nearer = rng.normal(size=4)
        right, down = scene.drift * rng.normal(size=2)
        depth = 0.5 * np.sqrt(np.clip(1 - (x / 0.66) ** 2 - ((y + 0.05) / 0.75) ** 2, 0, 1))
        u = right + yaw * depth - 0.7 * roll * y + 0.5 * nearer * x
        v = down + pitch * depth + 0.7 * roll * x + 0.5 * nearer * y
        within = 1 / (1 + np.exp(12 * ((x / 0.62) ** 2 + ((y + 0.05) / 0.72) ** 2 - 1)))
        return np.asarray(strength * within * np.stack([u, v]), np.float32)

    def photographed(self, onset: Grey, apex: Grey) -> tuple[Crop, Crop]:
        """Both pictures as one camera and one codec give them."""
        rng, scene, size = self.rng, self.scene, len(onset)
        blur, noise = rng.uniform(0, scene.blur), scene.noise * rng.beta(1.2, 3)
        quality = int(rng.integers(55, 99)) if rng.random() < scene.jpeg else None
        slope = np.linspace(-0.5, 0.5, size, dtype=np.float32)
        change, across, down = rng.normal(0, scene.light, 3).astype(np.float32)
        light = (1 + change) * (1 + across * slope + down * slope[:, None])
        first = self.shot(onset, blur, noise, quality)
        last = self.shot(apex * light, blur, noise, quality)
        if rng.random() < scene.still:
            last = kept_still(first, last, rng.uniform(1, 5))
        return first, last

    def shot(self, picture: Grey, blur: float, noise: float, quality: int | None) -> Crop:
        """The picture in whole levels, as JPEG gives it back where it has a `quality`."""
        if blur > 0.3:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)
        noisy = picture + noise * self.rng.standard_normal(picture.shape, dtype=np.float32)
        levels: Crop = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        if quality is None:
            return levels
        _, data = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)

    def placement(self, size: int) -> Similarity:
        """The transform [2, 3] from a picture of this `size` to the crop."""
        rng, scene = self.rng, self.scene
        across, along = np.exp(
            rng.normal(0, scene.scale) + rng.normal(0, (scene.across, scene.along))
        )
        turn = rng.normal(0, scene.turn)
        right, down = rng.normal(0, (scene.right, scene.down))
        cos, sin = np.cos(turn), np.sin(turn)
        linear = np.array([[cos * across, -sin * along], [sin * across, cos * along]])
        linear *= CROP_SIZE * EXTENT / size
        middle = (CROP_SIZE - 1) / 2 + CROP_SIZE * np.array([right, down])
        return np.column_stack([linear, middle - linear @ np.full(2, (size - 1) / 2)])


def enlarged(motion: Field, size: int) -> Field:
    """A motion over the picture in pixels at 112 x 112 -> [2, size, size] in the picture's own."""
    unit = size / EXTENT / CROP_SIZE
    parts = [cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC) for part in motion]
    return (unit * np.stack(parts)).astype(np.float32)


def moved(picture: Grey, motion: Field) -> Grey:
    """The picture [S, S] in which what was at p is at p + motion(p)."""
    columns, rows = np.meshgrid(*[np.arange(len(picture), dtype=np.float32)] * 2)
    x, y = columns, rows
    border = cv2.BORDER_REPLICATE
    for _ in range(INVERSIONS):
        u, v = (cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=border) for part in motion)
        x, y = columns - u, rows - v
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=border), np.float32)


def kept_still(onset: Crop, apex: Crop, threshold: float) -> Crop:
    """The apex with the onset's blocks wherever they differ by less than `threshold` levels."""
    size = len(onset)
    change = cv2.absdiff(onset, apex).astype(np.float32)
    blocks = (size // BLOCK, size // BLOCK)
    small = cv2.resize(change, blocks, interpolation=cv2.INTER_AREA) < threshold
    still = cv2.resize(small.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST)
    return np.where(still > 0, onset, apex)


@lru_cache(maxsize=1)
def portrait_placed() -> tuple[Grey, Similarity]:
    """The public-domain portrait [480, 480] in grey, and where its canonical crop is."""
    picture = samples.portrait(samples.SIZE)
    return np.asarray(picture.mean(2), np.float32), samples.placement(picture)


def portrait(size: int) -> Grey:
    """The public-domain portrait [size, size], placed as `portraits.draw` places a face."""
    picture, where = portrait_placed()
    unit = size / EXTENT / CROP_SIZE
    transform = unit * where
    transform[:, 2] += size * MARGIN / EXTENT
    shape, border = (size, size), cv2.BORDER_REPLICATE
    fine = cv2.GaussianBlur(picture, (0, 0), 0.45 / np.sqrt(np.linalg.det(transform[:, :2])))
    return np.asarray(cv2.warpAffine(fine, transform, shape, borderMode=border), np.float32)
