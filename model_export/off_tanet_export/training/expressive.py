"""Training of the head for `expressive` alone, on the features of a network that stays as it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from itertools import islice

import torch
from torch import Tensor, nn
from tqdm import tqdm

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.errors import CheckpointError
from off_tanet_export.graph import FlowClassifier, mirror, strength
from off_tanet_export.network.expressive import ExpressiveHead
from off_tanet_export.synthesis.flow_dataset import FlowDataset
from off_tanet_export.synthesis.footage import FootageConfig, render_footage
from off_tanet_export.training.augmentation import Cropping
from off_tanet_export.training.batches import batches
from off_tanet_export.training.calibration import calibrate_head
from off_tanet_export.training.flow_errors import FlowErrors

CROPPING = Cropping(right=0.035, down=0.05, scale=0.05, across=0.03, along=0.04, turn=0.05)
HELD_OUT_SEED = 993

STILL = 20
"""For so many samples there is one that hardly moves: rendered cameras always have some noise."""

STILL_PX = 0.05


@dataclass(frozen=True, slots=True)
class HeadTraining:
    """The configuration of the head's training.

    Attributes:
        seed: Seed of all random draws.
        pairs: Number of pairs of footage.
        held_out: Number of further pairs, on which the head is calibrated.
        views: Random crops of each pair; the network sees each upright and mirrored.
        epochs: Passes over their features.
        batch: Samples in a batch.
        learning_rate: Initial rate; it falls to 0 as a cosine.
        weight_decay: Weight decay of AdamW.
        cropping: Random errors of the crop.
        flow_errors: Random errors of the flow.
        footage: Variation of footage.
    """

    seed: int = 0
    pairs: int = 10_000
    held_out: int = 1_500
    views: int = 2
    epochs: int = 10
    batch: int = 250
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    cropping: Cropping = CROPPING
    flow_errors: FlowErrors = field(default_factory=FlowErrors)
    footage: FootageConfig = field(default_factory=FootageConfig)


def add_head(
    checkpoint: Checkpoint, training: HeadTraining | None = None, processes: int = 1
) -> Checkpoint:
    """Render footage, and train and calibrate a head for `expressive` on a fixed network.

    Args:
        checkpoint: The weights; they and the other outputs do not change.
        training: The configuration; it is added to the card.
        processes: Processes that render at once; they do not change the result.

    Returns:
        The checkpoint with the head.

    Raises:
        CheckpointError: The weights take raw pixels.
    """
    training = training or HeadTraining()
    if not checkpoint.preprocessing.scaled:
        raise CheckpointError("only weights that take scaled maps can get a head")
    data, held_out = (
        render_footage(seed, pairs, training.footage, processes)
        for seed, pairs in ((training.seed, training.pairs), (HELD_OUT_SEED, training.held_out))
    )
    return train_head(checkpoint, data, held_out, training)


def train_head(
    checkpoint: Checkpoint, data: FlowDataset, held_out: FlowDataset, training: HeadTraining
) -> Checkpoint:
    """Train a head on given footage, and calibrate it on other footage."""
    bare = FlowClassifier(checkpoint.network, checkpoint.preprocessing).eval()
    torch.manual_seed(training.seed)
    head = ExpressiveHead()
    _fit(head, *_features(bare, data, training, training.views), training)
    card = replace(
        checkpoint.card,
        training={**checkpoint.card.training, "expressive": asdict(training)},
    )
    made = replace(checkpoint, card=card, expressive=head.eval())
    sampling = replace(training, seed=HELD_OUT_SEED, batch=len(held_out.flows))
    size = checkpoint.preprocessing.map_size
    return calibrate_head(made, next(batches(sampling, [held_out], size)))


def _features(
    classifier: FlowClassifier, data: FlowDataset, training: HeadTraining, views: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return features, strengths and targets of crops, upright and mirrored."""
    known = data.select(~torch.from_numpy(data.expressive).isnan().numpy())
    steps = max(1, views * len(known.flows) // training.batch)
    size = classifier.preprocessing.map_size
    stream = islice(batches(training, [known], size), steps)
    rows = []
    with torch.inference_mode(), tqdm(stream, "features", steps, unit="batch") as bar:
        for batch in bar:
            still = _stilled(batch.flows[: len(batch.flows) // STILL])
            expressive = torch.cat([batch.expressive, torch.zeros(len(still))])
            measured = classifier.measure(torch.cat([batch.flows, still]))
            maps = classifier.scale(measured)
            strengths = strength(measured)
            for view in (maps, mirror(maps)):
                rows.append((classifier.features(view), strengths, expressive))
    features, strengths, expressive = (torch.cat(values) for values in zip(*rows, strict=True))
    return features.clone(), strengths.clone(), expressive.clone()


def _stilled(flows: Tensor) -> Tensor:
    """Weaken flows to what is no motion, whatever its form: the first to none at all."""
    largest = flows.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-6)
    weakened = torch.linspace(0, STILL_PX, len(flows))[:, None, None, None]
    return flows * (weakened / largest)


def _fit(
    head: ExpressiveHead,
    features: Tensor,
    strengths: Tensor,
    expressive: Tensor,
    training: HeadTraining,
) -> None:
    generator = torch.Generator().manual_seed(training.seed)
    optimizer = torch.optim.AdamW(
        head.parameters(), training.learning_rate, weight_decay=training.weight_decay
    )
    steps = training.epochs * max(1, len(features) // training.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        if step * training.batch % len(features) < training.batch:
            order = torch.randperm(len(features), generator=generator)
        start = step * training.batch % len(features)
        chosen = order[start : start + training.batch]
        logits = head(features[chosen], strengths[chosen])
        loss = nn.functional.binary_cross_entropy_with_logits(logits, expressive[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
