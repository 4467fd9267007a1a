"""Batches of randomly cropped synthetic flows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from off_tanet_export.synthesis.flow_dataset import FlowDataset
from off_tanet_export.training.augmentation import Cropping, recrop
from off_tanet_export.training.flow_errors import FlowErrors, add_errors

CPU = torch.device("cpu")


class Sampling(Protocol):
    """How samples are drawn: a part of the configuration of every training."""

    @property
    def seed(self) -> int:
        """Seed of order and crops."""
        ...

    @property
    def batch(self) -> int:
        """Samples in a batch."""
        ...

    @property
    def cropping(self) -> Cropping:
        """Random errors of the crop."""
        ...

    @property
    def flow_errors(self) -> FlowErrors:
        """Random errors of the flow."""
        ...


class Batch(NamedTuple):
    """Training samples: flows [B, 2, S, S], and targets and `expressive` as in `FlowDataset`."""

    flows: Tensor
    targets: Tensor
    expressive: Tensor


def batches(
    sampling: Sampling, datasets: list[FlowDataset], size: int, device: torch.device = CPU
) -> Iterator[Batch]:
    """Yield batches of randomly cropped flows, with equal shares of each data set.

    Args:
        sampling: Batch size, seed and errors of the crop.
        datasets: One data set for each kind of source.
        size: The side of the crop, in pixels of the flows.
        device: Where the data are kept and cropped.

    Yields:
        Batches with flows [B, 2, size, size], without end.
    """
    generator = torch.Generator().manual_seed(sampling.seed)
    sources = []
    for index, dataset in enumerate(datasets):
        share = len(range(index, sampling.batch, len(datasets)))
        arrays = (dataset.flows, dataset.targets, dataset.expressive)
        tensors = [torch.from_numpy(values).to(device) for values in arrays]
        sources.append((tensors, dataset.indices(generator, share)))
    while True:
        parts = []
        for tensors, indices in sources:
            chosen = next(indices).to(device)
            flows, targets, expressive = (tensor[chosen] for tensor in tensors)
            flows = recrop(flows, size, sampling.cropping, generator)
            flows = add_errors(flows, sampling.flow_errors, generator)
            parts.append(Batch(flows, targets, expressive))
        yield Batch(*(torch.cat(values) for values in zip(*parts, strict=True)))
