"""Labelled flows for training: drawn once, then used repeatedly in different crops."""

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
"""Pixels beyond the crop on each side of a drawn field, so that the crop can be displaced."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowDataset:
    """Labelled flows.

    Attributes:
        flows: float32 [N, 2, S, S]; the crop is in the middle.
        labels: The class's index [N].
    """

    flows: NDArray[np.float32]
    labels: NDArray[np.int64]

    def stream(self, generator: torch.Generator) -> Iterator[tuple[Tensor, int]]:
        """Yield flows [2, S, S] with their labels without end, in a new order in each epoch."""
        flows = torch.from_numpy(self.flows)
        while True:
            for index in torch.randperm(len(flows), generator=generator).tolist():
                yield flows[index], int(self.labels[index])


def draw_fields(seed: int, pairs: int, nuisances: Nuisances) -> FlowDataset:
    """Draw displacement fields, with nuisances that represent a camera and TV-L1."""
    synthesis = Synthesis(seed, MAP_SIZE, nuisances, MARGIN)
    labels = np.arange(pairs) % len(CLASSES)
    bar = tqdm(labels.tolist(), desc="drawing", unit="pair")
    return FlowDataset(np.stack([synthesis.flow(label) for label in bar]), labels)


def render_photographs(seed: int, pairs: int, scene: Scene) -> FlowDataset:
    """Render photographs of moving faces, and measure their flow with the service's `tvl1`."""
    return FlowDataset(*Rendering(seed, scene).draw(pairs))
