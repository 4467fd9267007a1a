"""Fine-tuning on flow maps of real faces, from scratch or from existing weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.types import CLASSES

from off_tanet_export.checkpoint import Card, Checkpoint
from off_tanet_export.errors import TrainingError
from off_tanet_export.graph import PreprocessingConfig
from off_tanet_export.inference import BATCH
from off_tanet_export.metrics import confusion, uf1
from off_tanet_export.network.blocks import Variant
from off_tanet_export.network.model import OffTanet
from off_tanet_export.training.batches import CPU
from off_tanet_export.training.folds import FoldData, prepare
from off_tanet_export.training.recipes import FineTuneConfig, Part
from off_tanet_export.training.trainer import Trainer, trainable_part

__all__ = [
    "FineTuneConfig",
    "FoldData",
    "Part",
    "choose_epochs",
    "fit",
    "initialize",
    "predict_fold",
    "prepare",
    "train_epochs",
]

INNER_FOLDS = 5


def initialize(
    seed: int,
    variant: Variant = "triplet",
    classes: tuple[str, ...] = CLASSES,
    preprocessing: PreprocessingConfig | None = None,
) -> Checkpoint:
    """Return a network with random weights. Equal seeds give equal weights.

    Args:
        seed: Draws the weights.
        variant: The last block of the network.
        classes: The names of the classes.
        preprocessing: The maps that the network takes; None for those of the shipped weights.
    """
    torch.manual_seed(seed)
    card = Card("off-tanet", "untrained", "Apache-2.0", "none", classes=classes)
    network = OffTanet(variant, len(classes)).eval()
    return Checkpoint(network, preprocessing or PreprocessingConfig(), card)


def fit(
    start: Checkpoint, fold: FoldData, config: FineTuneConfig, seed: int, device: torch.device = CPU
) -> Checkpoint:
    """Fine-tune a copy of `start`.

    Args:
        start: The initial weights; they are not changed.
        fold: The training clips.
        config: Number of epochs, and how to train.
        seed: Seed of the order of clips and views.
        device: Where the network is trained.

    Raises:
        TrainingError: The number of epochs is to be chosen, and there is only one subject.
    """
    epochs = choose_epochs(start, fold, config, seed, device) if config.choose else config.epochs
    trainer = Trainer(start, fold, config, seed, device)
    for _ in range(epochs):
        trainer.run_epoch()
    return trainer.checkpoint()


def choose_epochs(
    start: Checkpoint, fold: FoldData, config: FineTuneConfig, seed: int, device: torch.device = CPU
) -> int:
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
    labels, classes = validation.labels.numpy(), len(start.card.classes)
    scores = [
        uf1(confusion(labels, predict_fold(fitted, validation).argmax(1), classes))
        for fitted in train_epochs(start, inner, config, seed, device)
    ]
    return int(np.argmax(scores))


def train_epochs(
    start: Checkpoint, fold: FoldData, config: FineTuneConfig, seed: int, device: torch.device = CPU
) -> Iterator[Checkpoint]:
    """Yield `start` itself, then the fine-tuned checkpoint after each epoch."""
    yield start
    trainer = Trainer(start, fold, config, seed, device)
    for _ in range(config.epochs):
        trainer.run_epoch()
        yield trainer.checkpoint()


def predict_fold(checkpoint: Checkpoint, fold: FoldData) -> NDArray[np.float32]:
    """Compute the probabilities [N, K] of the fold's clips, equal to those of the graph."""
    _, logits = trainable_part(checkpoint, fold.part)
    with torch.inference_mode():
        views = [view.split(BATCH) for view in fold.views[: fold.unperturbed]]
        mean = torch.stack([torch.cat([*map(logits, view)]) for view in views]).mean(0)
        return torch.softmax(mean / checkpoint.preprocessing.temperature, 1).numpy()
