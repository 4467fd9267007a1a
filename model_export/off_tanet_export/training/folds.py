"""The clips of a fold in the form that a part of a network takes, with their perturbations."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.types import CROP_SIZE
from torch import Tensor

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.clip_flows import ClipFlows
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.perturbations import NEARBY, Perturbation, perturb
from off_tanet_export.graph import FlowClassifier, mirror
from off_tanet_export.inference import BATCH, to_batches
from off_tanet_export.training.augmentation import move_flows
from off_tanet_export.training.recipes import Part


@dataclass(frozen=True, slots=True, eq=False)
class FoldData:
    """The training input of a part of a network.

    Attributes:
        part: The part to train.
        views: [V, N, ...]: each clip, its perturbations, and, if the preprocessing mirrors, the
            mirror images of all of them, in the form that the part takes.
        unperturbed: How many of the first views show clips without perturbation. Predictions use
            only these.
        labels: The class's index [N].
        people: The subject of each clip [N].
    """

    part: Part
    views: Tensor
    unperturbed: int
    labels: Tensor
    people: NDArray[np.str_]

    def select(self, clips: NDArray[np.bool_]) -> FoldData:
        """Return the clips for which the mask [N] is true."""
        chosen = torch.from_numpy(clips)
        return replace(
            self,
            views=self.views[:, chosen],
            labels=self.labels[chosen],
            people=self.people[clips],
        )


def prepare(
    start: Checkpoint, data: FlowMaps | ClipFlows, part: Part, perturbed: bool = True
) -> FoldData:
    """Prepare the input of a part of `start`, once for all folds: features of the head are fixed.

    Args:
        start: The weights that will be fine-tuned.
        data: The clips: raw flows, or maps of the size that the weights take.
        part: The part to train.
        perturbed: Whether to add the `NEARBY` perturbations of the crops.

    Raises:
        CheckpointError: The weights were trained on another kind of map.
    """
    classifier = start.classifier()
    views, unperturbed = _scaled_views(start, data, perturbed)
    if part == "head":
        with torch.no_grad():
            parts = [view.split(BATCH) for view in views]  # type: ignore[no-untyped-call]
            views = [torch.cat([*map(classifier.features, part)]) for part in parts]
    people = data.people
    return FoldData(part, torch.stack(views), unperturbed, torch.from_numpy(data.labels), people)


def _scaled_views(
    start: Checkpoint, data: FlowMaps | ClipFlows, perturbed: bool
) -> tuple[list[Tensor], int]:
    """Return scaled maps [N, 3, M, M] of each view, and how many of the first are unperturbed."""
    classifier = start.classifier()
    views: list[Tensor] = []
    perturbations = (Perturbation(), *(NEARBY if perturbed else ()))
    for perturbation in perturbations:
        if isinstance(data, ClipFlows):
            maps = _maps_of_flows(classifier, torch.from_numpy(data.flows), perturbation)
        else:
            moved = (
                data.maps if perturbation == Perturbation() else perturb(data.maps, perturbation)
            )
            maps = torch.cat(to_batches(start, moved))
        views += [maps, mirror(maps)] if start.preprocessing.mirrored else [maps]
    return views, len(views) // len(perturbations)


def _maps_of_flows(classifier: FlowClassifier, flows: Tensor, perturbation: Perturbation) -> Tensor:
    """Displace faces as in `perturb`, but their motions with them, and compute the scaled maps."""
    if perturbation != Perturbation():
        angle = math.radians(perturbation.turn)
        cos, sin = (perturbation.scale * f(angle) for f in (math.cos, math.sin))
        linear = torch.tensor([[cos, -sin], [sin, cos]]).expand(len(flows), 2, 2)
        shift = torch.tensor([perturbation.right, perturbation.down]).expand(len(flows), 2)
        flows = move_flows(flows, CROP_SIZE, linear, shift)
    with torch.inference_mode():
        parts = [classifier.maps(part) for part in flows.split(BATCH)]  # type: ignore[no-untyped-call]
    return torch.cat(parts).clone()
