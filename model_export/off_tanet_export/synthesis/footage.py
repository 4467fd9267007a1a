"""Synthetic footage as the service sees it: expressions by annotated priors, and what is none.

Beside expressions of 0.1 to 8 px there are faces that only blink, speak, chew, turn or stand in
changing light. Faces wear glasses, fringes and hands, and mouths open. Half of the flows are
measured as the service does, with light matched and the head's motion taken out
(`expression_flow`); the other half by TV-L1 alone, as in flow maps of other origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import repeat
from multiprocessing import get_context
from types import MappingProxyType
from typing import Literal

import cv2
import numpy as np
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.flow import tvl1
from off_tanet.recognition.motion.stabilization import expression_flow
from off_tanet.types import CLASSES, Crop, Flow
from tqdm import tqdm

from off_tanet_export.datasets.flow_maps import MAP_SIZE
from off_tanet_export.synthesis import priors
from off_tanet_export.synthesis.behaviours import Behaviour, Behaviours
from off_tanet_export.synthesis.camera import warp
from off_tanet_export.synthesis.face_generator import Grey
from off_tanet_export.synthesis.flow_dataset import FlowDataset, concatenate
from off_tanet_export.synthesis.occlusions import KINDS, Cover, draw_cover
from off_tanet_export.synthesis.rendering import WARP_ITERATIONS, Rendering, Scene, enlarge

PriorName = Literal["annotated", "anatomical"]

PRIORS: Mapping[PriorName, Callable[[], priors.Priors]] = MappingProxyType(
    {"annotated": priors.annotated, "anatomical": priors.anatomical}
)

NO_EXPRESSIONS = 2
"""Pairs without an expression for each face, beside one expression of each class."""

GROUP = len(CLASSES) + NO_EXPRESSIONS
CHUNK = 50 * GROUP


def _camera() -> Scene:
    return Scene(
        noise=4.0, blur=1.3, light=0.05, jpeg=0.7, portrait=0.03, smallest=90, largest=240,
        right=0.035, down=0.05, scale=0.07, turn=0.06,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FootageConfig:
    """The variation of footage.

    Attributes:
        priors: Which units act together: from annotations, or from the mixes of `action_units`.
        stabilised: Share of pairs whose flow is measured as the service does.
        glasses: Probability of glasses.
        fringe: Probability of hair over brows or eyes, if there are no glasses.
        hand: Probability of a hand at cheek or chin, if there is neither.
        darkest: Smallest factor of the face's levels, for skin and exposure.
        lightest: Largest factor.
        side_light: Probability of a face of which one half lies in shadow.
        crease: Largest change of light where skin moves, for each pixel of motion.
        scene: Camera and placement of the crop.
    """

    priors: PriorName = "annotated"
    stabilised: float = 0.5
    glasses: float = 0.25
    fringe: float = 0.12
    hand: float = 0.05
    darkest: float = 0.55
    lightest: float = 1.15
    side_light: float = 0.15
    crease: float = 0.04
    scene: Scene = field(default_factory=_camera)


class Footage:
    """Draws pairs of footage. Equal seeds draw equal pairs on one machine.

    Args:
        seed: Seed of all draws, a number or several.
        config: The variation.
    """

    def __init__(self, seed: int | tuple[int, ...], config: FootageConfig | None = None) -> None:
        self.config = config or FootageConfig()
        self.rendering = Rendering(seed, self.config.scene)
        self.rng = self.rendering.rng
        self.behaviours = Behaviours(self.rendering)

    def draw(self, pairs: int, side: int = MAP_SIZE) -> FlowDataset:
        """Draw pairs, with flows of this side.

        Each face shows every class and some behaviour that is no expression.
        """
        flows = np.empty((pairs, 2, side, side), np.float32)
        targets = np.zeros((pairs, len(CLASSES)), np.float32)
        expressive = np.empty(pairs, np.float32)
        for index in range(pairs):
            place = index % GROUP
            if place == 0:
                face, cover = self.face()
            behaviour = self.behaviour(place)
            flow = self.flow(*self.pair(face, cover, behaviour), behaviour.stabilised)
            small = cv2.resize(flow.transpose(1, 2, 0), (side, side), interpolation=cv2.INTER_AREA)
            flows[index] = small.transpose(2, 0, 1)
            targets[index], expressive[index] = behaviour.target, behaviour.expressive
        return FlowDataset(flows, targets, expressive)

    def behaviour(self, place: int) -> Behaviour:
        """Draw what a face does: an expression of the class `place`, or else none."""
        stabilised = bool(self.rng.random() < self.config.stabilised)
        if place >= len(CLASSES):
            return self.behaviours.none(stabilised)
        drawn = PRIORS[self.config.priors]().draw(self.rng, place)
        return self.behaviours.expression(drawn, stabilised)

    def face(self) -> tuple[Grey, Cover | None]:
        """Draw a face at rest and what covers it."""
        rng = self.rng
        face = self.rendering.face() * rng.uniform(self.config.darkest, self.config.lightest)
        if rng.random() < self.config.side_light:
            places = np.linspace(-0.75, 0.75, len(face), dtype=np.float32)
            edge = rng.uniform(3, 15) * rng.choice((-1, 1)) * (places - rng.normal(0, 0.1))
            face = face * (1 - rng.uniform(0.3, 0.8) * (0.5 + 0.5 * np.tanh(edge / 2)))
        skin = float(np.median(face))
        for kind in KINDS:
            if rng.random() < getattr(self.config, kind):
                return np.asarray(face, np.float32), draw_cover(rng, len(face), kind, skin)
        return np.asarray(face, np.float32), None

    def pair(self, face: Grey, cover: Cover | None, behaviour: Behaviour) -> tuple[Crop, Crop]:
        """Photograph and crop a face before and after a behaviour."""
        size = len(face)
        apex = self._moved(face, behaviour)
        head, border = enlarge(behaviour.head, size), cv2.BORDER_REPLICATE
        if np.abs(head).max() > 0.01:
            apex = warp(apex, head, iterations=WARP_ITERATIONS, motion_border=border)
        if cover is not None:
            face, apex = cover.over(face), cover.moved(head).over(apex)
        first, last = face, np.asarray(apex * self._light(behaviour, size), np.float32)
        if behaviour.reversed:
            first, last = last, first
        shots = self.rendering.photograph(first, last)
        transform = self.rendering.crop_transform(size)
        before, after = (crop(np.stack([levels] * 3, 2), transform) for levels in shots)
        return before, after

    def flow(self, onset: Crop, apex: Crop, stabilised: bool) -> Flow:
        """Measure the flow between two crops, as the service does or by TV-L1 alone."""
        return expression_flow(onset, apex).flow if stabilised else tvl1(onset, apex)

    def _moved(self, face: Grey, behaviour: Behaviour) -> Grey:
        """Move muscles and jaw of a face, with the creases that this makes."""
        size = len(face)
        motion = enlarge(behaviour.muscles, size)
        mouth = behaviour.mouth(self.rng, face)
        if mouth is not None:
            motion = motion + mouth.jaw(size) * np.float32(enlarge_unit(size))
        moved = warp(face, motion, iterations=WARP_ITERATIONS, motion_border=cv2.BORDER_REPLICATE)
        length = np.hypot(*enlarge(behaviour.muscles, size)) / enlarge_unit(size) * 112
        grain = cv2.GaussianBlur(
            self.rng.standard_normal((size, size), dtype=np.float32), (0, 0), 0.02 * size
        )
        depth = self.config.crease * self.rng.uniform(-1, 1) / float(grain.std())
        moved = moved * np.clip(1 + depth * grain * np.minimum(length, 5), 0.5, 1.5)
        moved = np.asarray(moved, np.float32)
        return moved if mouth is None else mouth.paint(moved)

    def _light(self, behaviour: Behaviour, size: int) -> Grey:
        """Draw the change of light that is a behaviour of its own."""
        slope = np.linspace(-0.5, 0.5, size, dtype=np.float32)
        change, across, down = self.rng.normal(0, behaviour.light + 1e-9, 3).astype(np.float32)
        return np.asarray((1 + change) * (1 + across * slope + down * slope[:, None]), np.float32)


def enlarge_unit(size: int) -> float:
    """Return the pixels of a picture of this size for the width of the crop."""
    return float(enlarge(np.ones((2, 2, 2), np.float32), size)[0, 0, 0]) * 112


def render_footage(seed: int, pairs: int, config: FootageConfig, processes: int = 1) -> FlowDataset:
    """Render pairs in chunks, each with its own seed, so that processes do not change the result.

    Args:
        seed: Seed of all draws.
        pairs: The number of pairs.
        config: The variation.
        processes: Processes that render at once.
    """
    sizes = [min(CHUNK, pairs - first) for first in range(0, pairs, CHUNK)]
    seeds = [(seed, number) for number in range(len(sizes))]
    jobs = (_render_chunk, seeds, sizes, repeat(config))
    with ExitStack() as stack:
        chunks: Iterator[FlowDataset] = map(*jobs)
        if processes > 1:
            pool = ProcessPoolExecutor(processes, get_context("spawn"))
            chunks = stack.enter_context(pool).map(*jobs)
        bar = stack.enter_context(tqdm(chunks, "rendering", len(sizes), unit=f"{CHUNK} pairs"))
        parts = list(bar)
    return concatenate(parts)


def _render_chunk(seed: tuple[int, int], pairs: int, config: FootageConfig) -> FlowDataset:
    cv2.setNumThreads(1)
    return Footage(seed, config).draw(pairs)
