"""Fine-tuning on flow maps of real faces, from scratch or from existing weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.types import CLASSES
from torch import Tensor, nn

from off_tanet_export.checkpoint import Card, Checkpoint
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.perturbations import NEARBY, perturb
from off_tanet_export.errors import TrainingError
from off_tanet_export.graph import PreprocessingConfig, mirror
from off_tanet_export.inference import to_batches
from off_tanet_export.metrics import confusion, uf1
from off_tanet_export.network.blocks import Variant
from off_tanet_export.network.model import OffTanet

Part = Literal["all", "head"]
INNER_FOLDS = 5


@dataclass(frozen=True, slots=True)
class FineTuneConfig:
    """How a network is trained on maps, their `NEARBY` perturbations and their mirror images.

    All classes have the same total weight.

    Attributes:
        epochs: Number of epochs, or their maximum if `choose` is set.
        choose: Whether to choose the number of epochs on the given maps: that of the best UF1 on a
            fifth of their subjects, when trained on the other four fifths.
        part: `all`, or `head`: only the three linear layers, on fixed features.
        batch: Clips in a batch.
        learning_rate: Initial rate; it falls to 0 as a cosine.
        weight_decay: Weight decay of AdamW.
        label_smoothing: Smoothing of the labels.
        interpolation: Share of the start's weights in the final weights. M. Wortsman et al.,
            "Robust fine-tuning of zero-shot models", CVPR 2022.

    Raises:
        TrainingError: There is less than one epoch, or `interpolation` is not in [0, 1).
    """

    epochs: int = 20
    choose: bool = False
    part: Part = "all"
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    interpolation: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise TrainingError(f"too few epochs: {self.epochs}")
        if not 0 <= self.interpolation < 1:
            raise TrainingError(f"interpolation must be in [0, 1): {self.interpolation}")


def initialize(seed: int, variant: Variant = "triplet") -> Checkpoint:
    """Return a network with random weights. Equal seeds give equal weights."""
    torch.manual_seed(seed)
    card = Card("off-tanet", "untrained", "Apache-2.0", "none")
    return Checkpoint(OffTanet(variant).eval(), PreprocessingConfig(), card)


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


def prepare(start: Checkpoint, data: FlowMaps, part: Part) -> FoldData:
    """Prepare the input of a part of `start`, once for all folds: features of the head are fixed.

    Raises:
        CheckpointError: The weights were trained on another kind of map.
    """
    classifier = start.classifier()
    views: list[Tensor] = []
    for maps in (data.maps, *(perturb(data.maps, perturbation) for perturbation in NEARBY)):
        batches = to_batches(start, maps)
        views.append(torch.cat(batches))
        if start.preprocessing.mirrored:
            views.append(torch.cat([mirror(batch) for batch in batches]))
    if part == "head":
        with torch.no_grad():
            views = [classifier.features(view) for view in views]
    unperturbed = len(views) // (1 + len(NEARBY))
    labels = torch.from_numpy(data.labels)
    return FoldData(part, torch.stack(views), unperturbed, labels, data.people)


def fit(start: Checkpoint, fold: FoldData, config: FineTuneConfig, seed: int) -> Checkpoint:
    """Fine-tune a copy of `start`.

    Args:
        start: The initial weights; they are not changed.
        fold: The training clips.
        config: Number of epochs, and how to train.
        seed: Seed of the order of clips and views.

    Raises:
        TrainingError: The number of epochs is to be chosen, and there is only one subject.
    """
    epochs = choose_epochs(start, fold, config, seed) if config.choose else config.epochs
    return next(islice(train_epochs(start, fold, config, seed), epochs, None))


def choose_epochs(start: Checkpoint, fold: FoldData, config: FineTuneConfig, seed: int) -> int:
    """Return the number of epochs, from 0, with the best UF1 on a held-out fifth of the subjects.

    Raises:
        TrainingError: There are fewer than two subjects.
    """
    names = np.unique(fold.people)
    if len(names) < 2:
        raise TrainingError("choosing the epoch needs two people to train on")
    count = -(-len(names) // INNER_FOLDS)
    held_out = np.isin(fold.people, np.random.default_rng(seed).permutation(names)[:count])
    inner, validation = fold.select(~held_out), fold.select(held_out)
    scores = [
        uf1(confusion(validation.labels.numpy(), predict_fold(fitted, validation).argmax(1)))
        for fitted in train_epochs(start, inner, config, seed)
    ]
    return int(np.argmax(scores))


def train_epochs(
    start: Checkpoint, fold: FoldData, config: FineTuneConfig, seed: int
) -> Iterator[Checkpoint]:
    """Yield `start` itself, then the fine-tuned checkpoint after each epoch."""
    yield start
    torch.manual_seed(seed)
    fitted = replace(start, network=copy.deepcopy(start.network))
    module, logits = _trainable_part(fitted, fold.part)
    views, labels = fold.views, fold.labels
    frequency = torch.bincount(labels, minlength=len(CLASSES)).clamp_min(1)
    weight = len(labels) / (len(CLASSES) * frequency)
    optimizer = torch.optim.AdamW(
        module.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs)
    for _ in range(config.epochs):
        module.train()
        for clips in torch.randperm(len(labels)).split(config.batch):  # type: ignore[no-untyped-call]
            view = torch.randint(len(views), (len(clips),))
            loss = nn.functional.cross_entropy(
                logits(views[view, clips]),
                labels[clips],
                weight=weight,
                label_smoothing=config.label_smoothing,
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()
        fitted.network.eval()
        yield interpolate(fitted, start, config.interpolation)


def interpolate(fitted: Checkpoint, start: Checkpoint, share: float) -> Checkpoint:
    """Interpolate weights: a `share` of `start`, and 1 - `share` of `fitted`."""
    state, initial = fitted.network.state_dict(), start.network.state_dict()
    mixed = {
        name: torch.lerp(tensor, initial[name], share) if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
    network = copy.deepcopy(fitted.network)
    network.load_state_dict(mixed)
    return replace(fitted, network=network)


def predict_fold(checkpoint: Checkpoint, fold: FoldData) -> NDArray[np.float32]:
    """Compute the probabilities [N, 3] of the fold's clips, equal to those of the graph."""
    _, logits = _trainable_part(checkpoint, fold.part)
    with torch.inference_mode():
        mean = torch.stack([logits(view) for view in fold.views[: fold.unperturbed]]).mean(0)
        return torch.softmax(mean / checkpoint.preprocessing.temperature, 1).numpy()


def _trainable_part(
    checkpoint: Checkpoint, part: Part
) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    """Return the module to train, and the function from a batch of views to logits."""
    network = checkpoint.network
    if part == "head":
        return network.head, network.head
    classifier = checkpoint.classifier()
    return network, lambda views: classifier.run_network(views)[0]
