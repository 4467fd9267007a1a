"""Training on synthetic motion alone, without recordings of study subjects."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from tqdm import tqdm

from off_tanet_export.checkpoint import Card, Checkpoint
from off_tanet_export.errors import TrainingError
from off_tanet_export.graph import FlowClassifier, PreprocessingConfig, strength
from off_tanet_export.network.blocks import Variant
from off_tanet_export.network.expressive import ExpressiveHead
from off_tanet_export.network.model import OffTanet
from off_tanet_export.synthesis.flow_dataset import FlowDataset, draw_fields, render_photographs
from off_tanet_export.synthesis.footage import FootageConfig, PriorName, render_footage
from off_tanet_export.synthesis.generator import Nuisances
from off_tanet_export.synthesis.rendering import Scene
from off_tanet_export.training.augmentation import Cropping
from off_tanet_export.training.batches import CPU, Batch, batches
from off_tanet_export.training.flow_errors import FlowErrors
from off_tanet_export.training.run_log import RunLog

LOGGED_STEPS = 50
LOG_COLUMNS = ("step", "loss", "learning_rate")
WARMUP_SHARE = 0.1 + 1e-6
"""The share of steps in which the learning rate rises.

Slightly more than a tenth: with exactly a tenth of ten steps PyTorch divides by zero.
"""
UNRELEASED = "unreleased"
"""The version of weights that nobody has given one."""

TRAINING_DATA = "synthetic motion of facial action units; no recording of a person"

Source = Literal["fields", "photographs", "both", "footage"]
"""Displacement fields, flow measured on rendered photographs, half of each, or footage.

Only footage has negative examples, so that only from it a network learns `expressive`.
"""

SOURCES: tuple[Source, ...] = get_args(Source)
COMPARED: tuple[Source, ...] = ("fields", "photographs", "both")
"""The sources that `compare` trains on by default: all have the same classes and no negatives."""

Precision = Literal["bfloat16", "float32"]
Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Training:
    """The configuration of a training run. Equal configurations give equal weights on one machine.

    Attributes:
        seed: Seed of all random draws.
        variant: The network's last block.
        source: The kind of synthetic motion.
        data_seed: Seed of the synthetic data; None for that of the run.
        priors: Which units act together in footage; equal shares of each.
        pairs: Number of synthetic pairs to draw.
        samples: Number of training samples: random crops of these pairs.
        batch: Samples in a batch.
        learning_rate: Peak of the rate, reached after a tenth of the steps; then it falls to 0 as
            a cosine.
        weight_decay: Weight decay of AdamW.
        label_smoothing: Smoothing of the labels; real faces are less certain than synthetic ones.
        precision: Precision of the network's matrix products.
        expressive_weight: Weight of the loss of `expressive`, relative to that of the classes.
        cropping: Random errors of the crop.
        flow_errors: Random errors of the flow.
        nuisances: Variation of drawn fields.
        scene: Variation of rendered photographs.
        footage: Variation of footage.

    Raises:
        TrainingError: There are fewer samples than in one batch, or too few pairs.
    """

    seed: int = 0
    variant: Variant = "triplet"
    source: Source = "photographs"
    data_seed: int | None = None
    priors: tuple[PriorName, ...] = ("annotated",)
    pairs: int = 12_000
    samples: int = 36_000
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    label_smoothing: float = 0.1
    precision: Precision = "bfloat16"
    expressive_weight: float = 0.5
    cropping: Cropping = field(default_factory=Cropping)
    flow_errors: FlowErrors = field(default_factory=FlowErrors)
    nuisances: Nuisances = field(default_factory=Nuisances)
    scene: Scene = field(default_factory=Scene)
    footage: FootageConfig = field(default_factory=FootageConfig)

    def __post_init__(self) -> None:
        if self.samples < self.batch:
            raise TrainingError(f"too few samples for one batch of {self.batch}: {self.samples}")
        if self.pairs < MIN_PAIRS:
            raise TrainingError(f"too few pairs: {self.pairs} instead of {MIN_PAIRS} or more")


MIN_PAIRS = 6
"""Three classes from each of two sources."""


def train(
    training: Training, device: Device = "auto", processes: int = 1, log: RunLog | None = None
) -> Checkpoint:
    """Train a network from scratch, with progress bars on standard error.

    Args:
        training: The configuration.
        device: Where the network is trained.
        processes: Processes that render footage at once; they do not change the result.
        log: Gets a row with `LOG_COLUMNS` every `LOGGED_STEPS` steps.

    Raises:
        TrainingError: There is no such device.
    """
    chosen = find_device(device)  # before the minutes of rendering
    return train_on(draw_datasets(training, processes), training, chosen, log)


def find_device(device: Device) -> torch.device:
    """Return the device of a name; `auto` is a GPU if there is one.

    Raises:
        TrainingError: There is no GPU that PyTorch can use.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("PyTorch finds no CUDA device")
    return torch.device(device)


def draw_datasets(training: Training, processes: int = 1) -> list[FlowDataset]:
    """Draw the data of a run: one data set for each kind of source."""
    seed = training.seed if training.data_seed is None else training.data_seed
    if training.source == "footage":
        share = training.pairs // len(training.priors)
        parts = [replace(training.footage, priors=name) for name in training.priors]
        return [render_footage(seed, share, part, processes) for part in parts]
    half = training.pairs // 2 if training.source == "both" else training.pairs
    datasets = []
    if training.source != "photographs":
        datasets.append(draw_fields(seed, half, training.nuisances))
    if training.source != "fields":
        datasets.append(render_photographs(seed, half, training.scene))
    return datasets


def train_on(
    datasets: list[FlowDataset],
    training: Training,
    device: torch.device = CPU,
    log: RunLog | None = None,
    width: int = 1,
    map_size: int = 28,
) -> Checkpoint:
    """Train a network on given data. The card has the configuration.

    Args:
        datasets: One data set for each kind of source.
        training: The configuration.
        device: Where the network is trained.
        log: Gets a row with `LOG_COLUMNS` every `LOGGED_STEPS` steps.
        width: Of the network; teachers are wider than Off-TANet.
        map_size: The side of the maps; the flows are at least that large.
    """
    torch.manual_seed(training.seed)
    preprocessing = PreprocessingConfig(map_size=map_size)
    network = OffTanet(training.variant, width=width)
    head = ExpressiveHead() if training.source == "footage" else None
    classifier = FlowClassifier(network, preprocessing, head)
    # Channels last: the same results, and 1.5 times as fast on a CPU.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _optimize(classifier.to(device).train(), datasets, training, device, log)
    card = Card("off-tanet", UNRELEASED, "Apache-2.0", TRAINING_DATA, training=asdict(training))
    classifier.to("cpu").eval()
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return Checkpoint(network, preprocessing, card, head)


def _optimize(
    classifier: FlowClassifier,
    datasets: list[FlowDataset],
    training: Training,
    device: torch.device,
    log: RunLog | None,
) -> None:
    steps = training.samples // training.batch
    optimizer = torch.optim.AdamW(
        classifier.parameters(), training.learning_rate, weight_decay=training.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=steps, pct_start=WARMUP_SHARE
    )
    size = classifier.preprocessing.map_size
    stream = islice(batches(training, datasets, size, device), steps)
    with tqdm(stream, total=steps, desc="training", unit="batch") as progress:
        for step, batch in enumerate(progress, start=1):
            loss = compute_loss(classifier, batch, training)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if step % LOGGED_STEPS == 0 or step == steps:
                rate = schedule.get_last_lr()[0]
                if log is not None:
                    log.add((str(step), f"{loss.item():.4f}", f"{rate:.3g}"))
                progress.set_postfix(loss=f"{loss.item():.3f}")
            schedule.step()


def compute_loss(classifier: FlowClassifier, batch: Batch, training: Training) -> Tensor:
    """Compute the loss: cross-entropy of the classes, and of whether there is an expression.

    The first counts expressions alone, the second all pairs in which it is known.
    """
    half = training.precision == "bfloat16"
    measured = classifier.measure(batch.flows)
    maps, strengths = classifier.scale(measured), strength(measured)
    with torch.autocast(maps.device.type, torch.bfloat16, enabled=half):
        logits, _, features = classifier.run_network(maps)
        seen = None if classifier.expressive is None else classifier.expressive(features, strengths)
    losses = nn.functional.cross_entropy(
        logits.float(), batch.targets, label_smoothing=training.label_smoothing, reduction="none"
    )
    loss = _mean(losses, batch.targets.sum(1))
    if seen is None:
        return loss
    known = ~batch.expressive.isnan()
    expected = batch.expressive.nan_to_num(0.0)
    losses = nn.functional.binary_cross_entropy_with_logits(
        seen.float(), expected, reduction="none"
    )
    return loss + training.expressive_weight * _mean(losses, known)


def _mean(losses: Tensor, counted: Tensor) -> Tensor:
    return (losses * counted).sum() / counted.sum().clamp_min(1)
