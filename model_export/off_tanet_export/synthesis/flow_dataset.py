"""Flows with labels to train on: drawn once, then seen again and again in other crops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.types import CLASSES
from torch import Tensor
from tqdm import tqdm

from off_tanet_export.datasets.flow_maps import MAP_SIZE
from off_tanet_export.synthesis.generator import Nuisances, Synthesis
from off_tanet_export.synthesis.rendering import Rendering, Scene

MARGIN = 6
"""Rows and columns by which a directly drawn flow goes beyond the crop, so that it can move."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowDataset:
    """Flows [N, 2, S, S], whose middle is the crop, and their labels [N]."""

    flows: NDArray[np.float32]
    labels: NDArray[np.int64]

    def endless(self, generator: torch.Generator) -> Iterator[tuple[Tensor, int]]:
        """One flow [2, S, S] and its label after another; all of them before any comes again."""
        flows = torch.from_numpy(self.flows)
        while True:
            for index in torch.randperm(len(flows), generator=generator).tolist():
                yield flows[index], int(self.labels[index])


def fields(seed: int, pairs: int, nuisances: Nuisances) -> FlowDataset:
    """Displacement fields as they are, beside nuisances that stand for a camera and for TV-L1."""
    synthesis = Synthesis(seed, MAP_SIZE, nuisances, MARGIN)
    labels = np.arange(pairs) % len(CLASSES)
    drawn = tqdm(labels.tolist(), desc="drawing", unit="pair")
    return FlowDataset(np.stack([synthesis.flow(label) for label in drawn]), labels)


def photographs(seed: int, pairs: int, scene: Scene) -> FlowDataset:
    """Faces in motion, seen through the service's own crop and `tvl1`."""
    return FlowDataset(*Rendering(seed, scene).pool(pairs))
