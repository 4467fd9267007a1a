"""Recipes of fine-tuning: how a network is trained on real faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from off_tanet_export.errors import TrainingError

Part = Literal["all", "head"]
Schedule = Literal["cosine", "steps"]

RESIDUAL_LINEAR = "residual-linear"
"""A value of `--part`: a linear model of the network's residual. The network itself is fixed."""

SHIPPED, NOTHING = "shipped", "nothing"
"""Values of `--from`: the weights of the service, and random ones."""

STEP_EPOCHS, STEP_FACTOR = 60, 0.3
"""The schedule `steps`: after so many epochs, the learning rate is multiplied by the factor."""


@dataclass(frozen=True, slots=True)
class FineTuneConfig:
    """How a network is trained on maps; the mirror images are added if its preprocessing mirrors.

    Attributes:
        epochs: Number of epochs, or their maximum if `choose` is set.
        choose: Whether to choose the number of epochs on the given maps: that of the best UF1 on a
            fifth of their subjects, when trained on the other four fifths.
        part: `all`, or `head`: only the three linear layers, on fixed features.
        batch: Clips in a batch.
        learning_rate: Initial rate.
        weight_decay: Weight decay of AdamW; without it, AdamW is Adam.
        label_smoothing: Smoothing of the labels.
        interpolation: Share of the start's weights in the final weights. M. Wortsman et al.,
            "Robust fine-tuning of zero-shot models", CVPR 2022.
        schedule: `cosine`: the rate falls to 0 as a cosine; `steps`: by `STEP_FACTOR` after each
            `STEP_EPOCHS`.
        balanced: Whether all classes have the same total weight.
        perturbed: Whether the `NEARBY` perturbations of the crops are added.
        half: Whether matrix products have the precision bfloat16.

    Raises:
        TrainingError: A number is out of range.
    """

    epochs: int = 20
    choose: bool = False
    part: Part = "all"
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    interpolation: float = 0.0
    schedule: Schedule = "cosine"
    balanced: bool = True
    perturbed: bool = True
    half: bool = False

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise TrainingError(f"too few epochs: {self.epochs}")
        if self.batch < 1:
            raise TrainingError(f"too few clips in a batch: {self.batch}")
        if not 0 < self.learning_rate < float("inf"):
            raise TrainingError(f"the learning rate must be positive: {self.learning_rate}")
        if not 0 <= self.interpolation < 1:
            raise TrainingError(f"interpolation must be in [0, 1): {self.interpolation}")


def recipe(part: Part, random: bool, known: bool) -> FineTuneConfig:
    """Return the default recipe.

    That of the head is the one of the model card; those for random weights were not tuned.

    Args:
        part: The part to train.
        random: Whether the start has random weights.
        known: Whether the start knows the classes, so that its weights are worth to be kept.
    """
    if random:
        return FineTuneConfig(epochs=100, part=part)
    rate = 3e-3 if part == "head" else 3e-4
    return FineTuneConfig(part=part, learning_rate=rate, interpolation=0.5 if known else 0.0)


PAPER = FineTuneConfig(
    epochs=201, batch=64, weight_decay=0.0, label_smoothing=0.0, schedule="steps",
    balanced=False, perturbed=False,
)  # fmt: skip
"""The recipe of Off-TANet's paper; its maps are `graph.PUBLISHED`."""
