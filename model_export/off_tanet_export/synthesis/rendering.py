"""Synthetic motion as the service measures it: rendered faces, cropped and passed to TV-L1.

Action units and a head that rotates in depth move a drawn face, or the public-domain portrait. A
camera adds changes of light, blur, noise and compression. Then the service's `tvl1` measures the
flow between two crops, so that the artefacts of flow at lids, lips and cheeks are those of real
input. Optionally, the light of a share of the pairs is matched first, as the service does. The
other pairs keep the effect of light on flow, as in flow that was measured elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.flow import tvl1
from off_tanet.recognition.flow.light import matched
from off_tanet.types import CLASSES, CROP_SIZE, Crop, Flow, Similarity
from tqdm import tqdm

from off_tanet_export.datasets.flow_maps import MAP_SIZE
from off_tanet_export.synthesis import face_generator, samples
from off_tanet_export.synthesis.action_units import Field, GaussianBump, pixel_centres
from off_tanet_export.synthesis.camera import compress, to_levels, warp
from off_tanet_export.synthesis.face_generator import EXTENT, MARGIN, Grey
from off_tanet_export.synthesis.generator import Nuisances, Synthesis

FIELD_SIZE = 44
FIELD_MARGIN = round(MARGIN * FIELD_SIZE)
"""The size at which motion is computed. It is smooth, and enlarged to the picture's size."""

WARP_ITERATIONS = 3
"""Fixed-point steps of the warp. Few are enough: motion varies little between pixels."""

BLOCK = 8
"""Side of a codec's block. A video codec does not update blocks with little change."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The variation of photographs.

    Motions are in pixels at 112 x 112. Log-normal values are the standard deviation of the
    logarithm.

    Attributes:
        amplitude: Median motion of a unit of strength 1.
        amplitudes: Log-normal variation of that motion.
        gaze: Probability that the eyes turn.
        head: Strength of the head's rotation and of its approach.
        drift: Strength of the head's shift, relative to `head`.
        noise: Largest standard deviation of the sensor noise, in grey levels.
        blur: Largest standard deviation of the blur, in pixels.
        light: Standard deviation of the relative change of light.
        matched: Probability that the light of a pair is matched before flow is measured.
        jpeg: Probability of JPEG compression.
        still: Probability that a codec leaves blocks with little change as they were.
        portrait: Probability of the portrait instead of a drawn face.
        smallest: Smallest side of a picture, in pixels.
        largest: Largest side of a picture, in pixels.
        right: Standard deviation of the crop's error to the right, as a fraction of the crop.
        down: Standard deviation of the crop's error downward, as a fraction of the crop.
        scale: Log-normal error of the crop's scale.
        across: Log-normal error of the horizontal scale alone.
        along: Log-normal error of the vertical scale alone.
        turn: Standard deviation of the crop's rotation, in radians.
        nuisances: Variation of the muscles' motion.
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
    """Draws flows of photographed faces. Equal seeds draw equal flows on one machine.

    Args:
        seed: Seed of all draws.
        scene: The variation; the default is that of training.
    """

    def __init__(self, seed: int | tuple[int, ...], scene: Scene | None = None) -> None:
        self.scene = scene or Scene()
        self.synthesis = Synthesis(seed, FIELD_SIZE, self.scene.nuisances, FIELD_MARGIN)
        self.rng = self.synthesis.rng

    def draw(self, pairs: int, side: int = MAP_SIZE) -> tuple[Field, NDArray[np.int64]]:
        """Draw flows of pairs of onset and apex.

        Each face shows one expression of each class, so that appearance is independent of class.

        Args:
            pairs: The number of pairs N.
            side: The side S of a flow.

        Returns:
            Flow [N, 2, S, S] in pixels at 112 x 112, and labels [N].
        """
        labels = np.arange(pairs) % len(CLASSES)
        flows = np.empty((pairs, 2, side, side), np.float32)
        with tqdm(labels, desc="rendering", unit="pair") as bar:
            for index, label in enumerate(bar):
                if label == 0:
                    face = self.face()
                flow = self.flow(*self.pair(face, int(label)))
                flows[index] = cv2.resize(
                    flow.transpose(1, 2, 0), (side, side), interpolation=cv2.INTER_AREA
                ).transpose(2, 0, 1)
        return flows, labels

    def face(self) -> Grey:
        """Draw a face at rest, [S, S], of a random resolution."""
        size = int(self.rng.integers(self.scene.smallest, self.scene.largest, endpoint=True))
        if self.rng.random() >= self.scene.portrait:
            return face_generator.draw(self.rng, size)
        picture = place_portrait(size)[:, :: int(self.rng.choice((-1, 1)))]
        levels = picture * self.rng.uniform(0.5, 1.1) + self.rng.uniform(0, 40)
        return np.asarray(levels.clip(0, 255), np.float32)

    def pair(self, face: Grey, label: int) -> tuple[Crop, Crop]:
        """Draw the crops of onset and apex of a face with an expression of the class `label`."""
        size = len(face)
        motion = enlarge(self._motion(label), size)
        border = cv2.BORDER_REPLICATE
        apex = warp(face, motion, iterations=WARP_ITERATIONS, motion_border=border)
        shots = self.photograph(face, apex)
        transform = self.crop_transform(size)
        before, after = (crop(np.stack([levels] * 3, 2), transform) for levels in shots)
        return before, after

    def flow(self, onset: Crop, apex: Crop) -> Flow:
        """Measure the flow between two crops, in a share of pairs after matching their light."""
        share = self.scene.matched
        # At 0 nothing is drawn, so that seeds give the same flows as before there was a share.
        if share and self.rng.random() < share:
            return matched(onset, apex).flow()
        return tvl1(onset, apex)

    def _motion(self, label: int) -> Field:
        """Draw the motion [2, 66, 66] of muscles and head, in pixels at 112 x 112."""
        muscles = self.synthesis.muscles(label, *self.gaze())
        strength = np.exp(self.rng.normal(0, self.scene.amplitudes))
        motion: Field = self.scene.amplitude * strength * muscles + self.head(
            abs(self.rng.normal(0, self.scene.head))
        )
        return motion.astype(np.float32)

    def gaze(self) -> list[GaussianBump]:
        """Draw the motion of both eyes, if they turn between onset and apex."""
        if self.rng.random() >= self.scene.gaze:
            return []
        du, dv = self.rng.normal(0, (2.0, 0.7))
        return [GaussianBump(x, 0.28, 0.05, 0.025, du, dv) for x in (0.28, 0.72)]

    def head(self, strength: float) -> Field:
        """Draw the motion [2, 66, 66] of an ellipsoid that rotates, approaches and drifts."""
        rng, scene = self.rng, self.scene
        x, y = np.meshgrid(*[pixel_centres(FIELD_SIZE, FIELD_MARGIN) - 0.5] * 2)
        yaw, pitch, roll, nearer = rng.normal(size=4)
        right, down = scene.drift * rng.normal(size=2)
        depth = 0.5 * np.sqrt(np.clip(1 - (x / 0.66) ** 2 - ((y + 0.05) / 0.75) ** 2, 0, 1))
        u = right + yaw * depth - 0.7 * roll * y + 0.5 * nearer * x
        v = down + pitch * depth + 0.7 * roll * x + 0.5 * nearer * y
        within = 1 / (1 + np.exp(12 * ((x / 0.62) ** 2 + ((y + 0.05) / 0.72) ** 2 - 1)))
        return np.asarray(strength * within * np.stack([u, v]), np.float32)

    def photograph(self, onset: Grey, apex: Grey) -> tuple[Crop, Crop]:
        """Photograph both pictures with one camera and one codec."""
        rng, scene, size = self.rng, self.scene, len(onset)
        blur, noise = rng.uniform(0, scene.blur), scene.noise * rng.beta(1.2, 3)
        quality = int(rng.integers(55, 99)) if rng.random() < scene.jpeg else None
        slope = np.linspace(-0.5, 0.5, size, dtype=np.float32)
        change, across, down = rng.normal(0, scene.light, 3).astype(np.float32)
        light = (1 + change) * (1 + across * slope + down * slope[:, None])
        first = self._shoot(onset, blur, noise, quality)
        last = self._shoot(apex * light, blur, noise, quality)
        if rng.random() < scene.still:
            last = keep_still_blocks(first, last, rng.uniform(1, 5))
        return first, last

    def _shoot(self, picture: Grey, blur: float, noise: float, quality: int | None) -> Crop:
        """Add blur and noise, round to whole levels, and compress if there is a JPEG quality."""
        if blur > 0.3:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)
        noisy = picture + noise * self.rng.standard_normal(picture.shape, dtype=np.float32)
        levels = to_levels(noisy)
        return levels if quality is None else compress(levels, quality)

    def crop_transform(self, size: int) -> Similarity:
        """Draw the transform [2, 3] from a picture of this size to the crop."""
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


def enlarge(motion: Field, size: int) -> Field:
    """Resize a motion over the picture.

    Args:
        motion: [2, M, M] in pixels at 112 x 112.
        size: The side of the picture, which is `EXTENT` crops wide.

    Returns:
        The motion [2, size, size] in pixels of the picture.
    """
    unit = size / EXTENT / CROP_SIZE
    parts = [cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC) for part in motion]
    return (unit * np.stack(parts)).astype(np.float32)


def keep_still_blocks(onset: Crop, apex: Crop, threshold: float) -> Crop:
    """Replace blocks of the apex by the onset's if they differ by less than `threshold` levels."""
    size = len(onset)
    change = cv2.absdiff(onset, apex).astype(np.float32)
    blocks = (size // BLOCK, size // BLOCK)
    small = cv2.resize(change, blocks, interpolation=cv2.INTER_AREA) < threshold
    still = cv2.resize(small.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST)
    return np.where(still > 0, onset, apex)


@lru_cache(maxsize=1)
def _located_portrait() -> tuple[Grey, Similarity]:
    """Return the public-domain portrait [480, 480] in grey, and the transform to its crop."""
    picture = samples.portrait(samples.SIZE)
    return np.asarray(picture.mean(2), np.float32), samples.locate_crop(picture)


def place_portrait(size: int) -> Grey:
    """Render the public-domain portrait [size, size], placed as `face_generator.draw` does."""
    picture, to_crop = _located_portrait()
    unit = size / EXTENT / CROP_SIZE
    transform = unit * to_crop
    transform[:, 2] += size * MARGIN / EXTENT
    shape, border = (size, size), cv2.BORDER_REPLICATE
    fine = cv2.GaussianBlur(picture, (0, 0), 0.45 / np.sqrt(np.linalg.det(transform[:, :2])))
    return np.asarray(cv2.warpAffine(fine, transform, shape, borderMode=border), np.float32)
