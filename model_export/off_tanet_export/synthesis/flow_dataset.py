"""Labelled flows for training: drawn once, then used repeatedly in different crops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        targets: The probability of each class [N, 3]; zeros if there is no expression.
        expressive: Whether there is an expression [N], 0 to 1; NaN where nothing is known of it.
    """

    flows: NDArray[np.float32]
    targets: NDArray[np.float32]
    expressive: NDArray[np.float32]

    @classmethod
    def of_classes(cls, flows: NDArray[np.float32], labels: NDArray[np.int64]) -> FlowDataset:
        """Create a data set of expressions [N, 2, S, S] whose classes [N] are certain."""
        targets = np.eye(len(CLASSES), dtype=np.float32)[labels]
        return cls(flows, targets, np.full(len(flows), np.nan, np.float32))

    @property
    def labels(self) -> NDArray[np.int64]:
        """The index of the most probable class [N]."""
        return np.asarray(self.targets.argmax(1), np.int64)

    def select(self, pairs: NDArray[np.bool_]) -> FlowDataset:
        """Return the pairs for which the mask [N] is true."""
        return FlowDataset(self.flows[pairs], self.targets[pairs], self.expressive[pairs])

    def indices(self, generator: torch.Generator, count: int) -> Iterator[Tensor]:
        """Yield indices [count] without end, in a new order in each epoch."""
        waiting = torch.empty(0, dtype=torch.long)
        while True:
            while len(waiting) < count:
                order = torch.randperm(len(self.flows), generator=generator)
                waiting = torch.cat([waiting, order])
            yield waiting[:count]
            waiting = waiting[count:]


def concatenate(parts: Sequence[FlowDataset]) -> FlowDataset:
    """Concatenate data sets of equal size of flows; there must be at least one."""
    return FlowDataset(
        np.concatenate([part.flows for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.expressive for part in parts]),
    )


def draw_fields(seed: int, pairs: int, nuisances: Nuisances) -> FlowDataset:
    """Draw displacement fields, with nuisances that represent a camera and TV-L1."""
    synthesis = Synthesis(seed, MAP_SIZE, nuisances, MARGIN)
    labels = np.arange(pairs) % len(CLASSES)
    with tqdm(labels.tolist(), desc="drawing", unit="pair") as bar:
        return FlowDataset.of_classes(np.stack([synthesis.flow(label) for label in bar]), labels)


def render_photographs(seed: int, pairs: int, scene: Scene) -> FlowDataset:
    """Render photographs of moving faces, and measure their flow with the service's `tvl1`."""
    return FlowDataset.of_classes(*Rendering(seed, scene).draw(pairs))
