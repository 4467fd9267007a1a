"""Training on synthetic motion alone: no face of a study's subject is ever seen."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from tqdm import tqdm

from off_tanet_export.errors import TrainingError
from off_tanet_export.graph import FlowClassifier, PreprocessingConfig
from off_tanet_export.network.blocks import Variant
from off_tanet_export.network.checkpoint import Card, Checkpoint
from off_tanet_export.network.model import OffTanet
from off_tanet_export.synthesis.flow_dataset import FlowDataset, fields, photographs
from off_tanet_export.synthesis.generator import Nuisances
from off_tanet_export.synthesis.rendering import Scene
from off_tanet_export.training.augmentation import Cropping, recropped

LOG = logging.getLogger(__name__)
LOGGED_STEPS = 50
WARMING = 0.1 + 1e-6
"""The share of steps in which the rate rises; a tenth of ten would be a span of no steps, by which
PyTorch divides.
"""
VERSION = "1.0.0"
TRAINING_DATA = "synthetic motion of facial action units; no recording of a person"

Source = Literal["fields", "photographs", "both"]
"""Displacement fields as they are; what `tvl1` sees of photographs; or half of either."""

SOURCES: tuple[Source, ...] = get_args(Source)

Precision = Literal["bfloat16", "float32"]


@dataclass(frozen=True, slots=True)
class Training:
    """One run, in full: equal configurations give equal weights on one machine.

    `pairs` are drawn in all, each of them is seen in other crops, and `samples` are seen in all.
    The learning rate rises to its peak over the first tenth of the steps and falls to nothing as a
    cosine. Labels are smoothed, because real faces are less certain than synthetic ones.
    `precision` is that of the network's products. Raises `TrainingError` for fewer samples than
    one batch has, and for fewer pairs than there are kinds of them.
    """

    seed: int = 0
    variant: Variant = "triplet"
    source: Source = "photographs"
    pairs: int = 12_000
    samples: int = 36_000
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    label_smoothing: float = 0.1
    precision: Precision = "bfloat16"
    cropping: Cropping = field(default_factory=Cropping)
    nuisances: Nuisances = field(default_factory=Nuisances)
    scene: Scene = field(default_factory=Scene)

    def __post_init__(self) -> None:
        if self.samples < self.batch:
            raise TrainingError(f"too few samples for one batch of {self.batch}: {self.samples}")
        if self.pairs < LEAST_PAIRS:
            raise TrainingError(f"too few pairs: {self.pairs} instead of {LEAST_PAIRS} or more")


LEAST_PAIRS = 6
"""Two sources of three classes."""


def train(training: Training) -> Checkpoint:
    """Train a network from nothing, with progress bars on standard error."""
    return taught(training, drawn(training))


def drawn(training: Training) -> list[FlowDataset]:
    """What a run is trained on: one pool for each kind of source."""
    half = training.pairs // 2 if training.source == "both" else training.pairs
    pools = []
    if training.source != "photographs":
        pools.append(fields(training.seed, half, training.nuisances))
    if training.source != "fields":
        pools.append(photographs(training.seed, half, training.scene))
    return pools


def taught(training: Training, pools: list[FlowDataset]) -> Checkpoint:
    """A network that has learned from `pools`; configuration, loss and rate go to the log."""
    LOG.info("training %s", json.dumps(asdict(training), sort_keys=True))
    torch.manual_seed(training.seed)
    recipe, device = PreprocessingConfig(), "cuda" if torch.cuda.is_available() else "cpu"
    # Channels last: the same numbers, and half as fast again on a CPU.
    network = OffTanet(training.variant)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    classifier = FlowClassifier(network, recipe).to(device).train()
    steps = training.samples // training.batch
    optimizer = torch.optim.AdamW(
        classifier.parameters(), training.learning_rate, weight_decay=training.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=steps, pct_start=WARMING
    )
    seen = islice(batches(training, pools, recipe.map_size), steps)
    with tqdm(seen, total=steps, desc="training", unit="batch") as progress:
        for step, (flows, labels) in enumerate(progress, start=1):
            loss = loss_of(classifier, flows.to(device), labels.to(device), training)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if step % LOGGED_STEPS == 0 or step == steps:
                LOG.info(
                    "step %d loss %.4f rate %.2g", step, loss.item(), schedule.get_last_lr()[0]
                )
            schedule.step()
            progress.set_postfix(loss=f"{loss.item():.3f}")
    card = Card("off-tanet", VERSION, "Apache-2.0", TRAINING_DATA, training=asdict(training))
    network.to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return Checkpoint(network.eval(), recipe, card)


def loss_of(
    classifier: FlowClassifier, flows: Tensor, labels: Tensor, training: Training
) -> Tensor:
    """How far the network's answers are from the labels."""
    maps = classifier.maps(flows)
    half = training.precision == "bfloat16"
    with torch.autocast(maps.device.type, torch.bfloat16, enabled=half):
        logits, _ = classifier.look(maps)
    return nn.functional.cross_entropy(
        logits.float(), labels, label_smoothing=training.label_smoothing
    )


def batches(
    training: Training, pools: list[FlowDataset], size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Flows [B, 2, size, size] in crops of their own, and labels [B]; of each pool as many."""
    generator = torch.Generator().manual_seed(training.seed)
    streams = [pool.endless(generator) for pool in pools]
    while True:
        flows: list[Tensor] = []
        labels: list[int] = []
        for index, stream in enumerate(streams):
            share = len(range(index, training.batch, len(streams)))
            drawn_flows, drawn_labels = zip(*islice(stream, share), strict=True)
            flows.append(recropped(torch.stack(drawn_flows), size, training.cropping, generator))
            labels += drawn_labels
        yield torch.cat(flows), torch.tensor(labels)
