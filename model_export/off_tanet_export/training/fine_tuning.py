"""Training on the flow maps of real faces, from nothing or from weights that exist."""

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

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import TrainingError
from off_tanet_export.evaluation.evaluate import batched
from off_tanet_export.evaluation.metrics import confusion, uf1
from off_tanet_export.evaluation.perturbations import NEARBY, displaced
from off_tanet_export.graph import FlowClassifier, PreprocessingConfig, mirror
from off_tanet_export.network.blocks import Variant
from off_tanet_export.network.checkpoint import Card, Checkpoint
from off_tanet_export.network.model import OffTanet

Part = Literal["all", "head"]
INNER_FOLDS = 5


@dataclass(frozen=True, slots=True)
class FineTuneConfig:
    """How a network learns from maps, seen in `NEARBY` placements and their mirror images.

    `part` is what learns: `all`, or the `head` of three linear layers over features that stay.
    With `choose`, `epochs` is the most, and the number is chosen inside the maps given: at its
    best UF1 on a fifth of their people, whom the other four fifths' network has not seen.
    `learning_rate` falls to nothing as a cosine. `interpolation` is the share of the start in the
    weights at the end: M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
    Classes weigh alike, however rare. Raises `TrainingError` for less than one epoch, and for an
    `interpolation` outside [0, 1).
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
            raise TrainingError(f"the interpolation is a share below 1: {self.interpolation}")


def scratch(seed: int, variant: Variant = "triplet") -> Checkpoint:
    """A network with random weights; equal seeds, equal weights."""
    torch.manual_seed(seed)
    card = Card("off-tanet", "untrained", "Apache-2.0", "none")
    return Checkpoint(OffTanet(variant).eval(), PreprocessingConfig(), card)


@dataclass(frozen=True, slots=True, eq=False)
class FoldData:
    """What a part of a network learns from.

    `views` [V, N, ...]: each clip in its placements, as the part sees them, and their mirror
    images where the recipe has them; the first `facing` of them are in no other placement, and
    answers are of these alone. `labels` [N]; `people` [N].
    """

    part: Part
    views: Tensor
    facing: int
    labels: Tensor
    people: NDArray[np.str_]

    def of(self, clips: NDArray[np.bool_]) -> FoldData:
        """The chosen clips alone."""
        chosen = torch.from_numpy(clips)
        return replace(
            self,
            views=self.views[:, chosen],
            labels=self.labels[chosen],
            people=self.people[clips],
        )


def lesson(start: Checkpoint, data: FlowMaps, part: Part) -> FoldData:
    """`data` for a part of `start`; the head's features are the same in every fold, so made once.

    Raises `CheckpointError` like `batched`.
    """
    classifier = FlowClassifier(start.network, start.recipe).eval()
    views: list[Tensor] = []
    for maps in (data.maps, *(displaced(data.maps, placement) for placement in NEARBY)):
        batches = batched(start, maps)
        views.append(torch.cat(batches))
        if start.recipe.mirrored:
            views.append(torch.cat([mirror(batch) for batch in batches]))
    if part == "head":
        with torch.no_grad():
            views = [classifier.features(view) for view in views]
    facing = len(views) // (1 + len(NEARBY))
    return FoldData(part, torch.stack(views), facing, torch.from_numpy(data.labels), data.people)


def fit(start: Checkpoint, taught: FoldData, fitting: FineTuneConfig, seed: int) -> Checkpoint:
    """The checkpoint after as many epochs as `fitting` says; `start` stays as it is."""
    wanted = chosen_epochs(start, taught, fitting, seed) if fitting.choose else fitting.epochs
    return next(islice(learn(start, taught, fitting, seed), wanted, None))


def chosen_epochs(start: Checkpoint, taught: FoldData, fitting: FineTuneConfig, seed: int) -> int:
    """After how many epochs a fifth of the people, held out, is named best; 0 is possible.

    Raises `TrainingError` where fewer than two people are seen.
    """
    names = np.unique(taught.people)
    if len(names) < 2:
        raise TrainingError("choosing the epoch needs two people to train on")
    few = -(-len(names) // INNER_FOLDS)
    held_out = np.isin(taught.people, np.random.default_rng(seed).permutation(names)[:few])
    inside, outside = taught.of(~held_out), taught.of(held_out)
    scores = [
        uf1(confusion(outside.labels.numpy(), answers(fitted, outside).argmax(1)))
        for fitted in learn(start, inside, fitting, seed)
    ]
    return int(np.argmax(scores))


def learn(
    start: Checkpoint, taught: FoldData, fitting: FineTuneConfig, seed: int
) -> Iterator[Checkpoint]:
    """`start` itself, and then what it has become after each epoch."""
    yield start
    torch.manual_seed(seed)
    fitted = replace(start, network=copy.deepcopy(start.network))
    learner, logits = parts(fitted, taught.part)
    views, labels = taught.views, taught.labels
    frequency = torch.bincount(labels, minlength=len(CLASSES)).clamp_min(1)
    rarity = len(labels) / (len(CLASSES) * frequency)
    optimizer = torch.optim.AdamW(
        learner.parameters(), fitting.learning_rate, weight_decay=fitting.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, fitting.epochs)
    for _ in range(fitting.epochs):
        learner.train()
        for clips in torch.randperm(len(labels)).split(fitting.batch):  # type: ignore[no-untyped-call]
            side = torch.randint(len(views), (len(clips),))
            loss = nn.functional.cross_entropy(
                logits(views[side, clips]),
                labels[clips],
                weight=rarity,
                label_smoothing=fitting.label_smoothing,
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()
        fitted.network.eval()
        yield between(fitted, start, fitting.interpolation)


def between(fitted: Checkpoint, start: Checkpoint, share: float) -> Checkpoint:
    """The network whose weights are interpolated: a `share` of `start`, the rest of `fitted`."""
    state, before = fitted.network.state_dict(), start.network.state_dict()
    mixed = {
        name: torch.lerp(tensor, before[name], share) if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
    network = copy.deepcopy(fitted.network)
    network.load_state_dict(mixed)
    return replace(fitted, network=network)


def answers(checkpoint: Checkpoint, asked: FoldData) -> NDArray[np.float32]:
    """Probabilities [N, 3] of a lesson's clips, as the graph would give them."""
    _, logits = parts(checkpoint, asked.part)
    with torch.inference_mode():
        mean = torch.stack([logits(view) for view in asked.views[: asked.facing]]).mean(0)
        return torch.softmax(mean / checkpoint.recipe.temperature, 1).numpy()


def parts(checkpoint: Checkpoint, part: Part) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    """The module that learns, and how a batch of views becomes logits."""
    network = checkpoint.network
    if part == "head":
        return network.head, network.head
    classifier = FlowClassifier(network, checkpoint.recipe)
    return network, lambda views: classifier.look(views)[0]
