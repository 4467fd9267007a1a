"""Fine-tuning, one epoch at a time, so that it can be interrupted and go on."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.training.batches import CPU
from off_tanet_export.training.folds import FoldData
from off_tanet_export.training.recipes import STEP_EPOCHS, STEP_FACTOR, FineTuneConfig, Part


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is known of an epoch: its number, and means over its clips while they were trained on.

    Attributes:
        number: From 1.
        loss: The mean loss.
        accuracy: The share of clips whose class was the most probable one.
        learning_rate: The rate.
    """

    number: int
    loss: float
    accuracy: float
    learning_rate: float


class Trainer:
    """A copy of some weights that is fine-tuned, one epoch at a time.

    Args:
        start: The initial weights; they are not changed.
        fold: The training clips.
        config: How to train.
        seed: Seed of the order of clips and views.
        device: Where the network is trained.

    Attributes:
        epoch: The number of finished epochs.
    """

    def __init__(
        self,
        start: Checkpoint,
        fold: FoldData,
        config: FineTuneConfig,
        seed: int,
        device: torch.device = CPU,
    ) -> None:
        torch.manual_seed(seed)
        self.epoch = 0
        self._start, self._config, self._device = start, config, device
        # What a head for `expressive` reads changes with the network, and its residual does, too.
        expressive = start.expressive if fold.part == "head" else None
        self._fitted = replace(
            start, network=copy.deepcopy(start.network), expressive=expressive, residual=None
        )
        # Channels last: the same results, and 1.7 times as fast on a CPU.
        self._fitted.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._module, self._logits = trainable_part(self._fitted, fold.part, device)
        self._views, self._labels = fold.views.to(device), fold.labels.to(device)
        self._weight = _class_weights(fold.labels, start, config.balanced).to(device)
        self._optimizer = torch.optim.AdamW(
            self._module.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self._schedule = _schedule(self._optimizer, config)

    def run_epoch(self) -> Epoch:
        """Train on each clip once, in one of its views."""
        self._module.train()
        rate = float(self._schedule.get_last_lr()[0])
        loss, right, count = 0.0, 0, len(self._labels)
        for clips in torch.randperm(count).split(self._config.batch):  # type: ignore[no-untyped-call]
            view = torch.randint(len(self._views), (len(clips),))
            batch_loss, batch_right = self._step(view.to(self._device), clips.to(self._device))
            loss, right = loss + batch_loss * len(clips), right + batch_right
        self._schedule.step()
        self._module.eval()
        self.epoch += 1
        return Epoch(self.epoch, loss / count, right / count, rate)

    def _step(self, view: Tensor, clips: Tensor) -> tuple[float, int]:
        labels = self._labels[clips]
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._config.half):
            logits = self._logits(self._views[view, clips])
        smoothing = self._config.label_smoothing
        loss = nn.functional.cross_entropy(
            logits.float(), labels, weight=self._weight, label_smoothing=smoothing
        )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return loss.item(), int((logits.argmax(1) == labels).sum())

    def checkpoint(self) -> Checkpoint:
        """Return the weights as they are now, mixed with those of the start if so configured."""
        return interpolate(self._fitted, self._start, self._config.interpolation)

    def state(self) -> dict[str, Any]:
        """Return all that the next epochs depend on, as `torch.save` writes it."""
        cuda = torch.cuda.get_rng_state_all() if self._device.type == "cuda" else []
        return {
            "epoch": self.epoch,
            "network": self._fitted.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "random": [torch.get_rng_state(), *cuda],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that another object for the same training has returned."""
        self.epoch = state["epoch"]
        self._fitted.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"][0])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state_all(state["random"][1:])


def _class_weights(labels: Tensor, start: Checkpoint, balanced: bool) -> Tensor:
    classes = len(start.card.classes)
    if not balanced:
        return torch.ones(classes)
    frequency = torch.bincount(labels, minlength=classes).clamp_min(1)
    return len(labels) / (classes * frequency)


def _schedule(
    optimizer: torch.optim.Optimizer, config: FineTuneConfig
) -> torch.optim.lr_scheduler.LRScheduler:
    if config.schedule == "steps":
        return torch.optim.lr_scheduler.StepLR(optimizer, STEP_EPOCHS, STEP_FACTOR)
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs)


def interpolate(fitted: Checkpoint, start: Checkpoint, share: float) -> Checkpoint:
    """Return a copy with interpolated weights: a `share` of `start`, and 1 - `share` of `fitted`.

    It is on the CPU and in evaluation mode.
    """
    state, initial = fitted.network.state_dict(), start.network.state_dict()
    mixed = {
        name: torch.lerp(tensor.cpu(), initial[name], share)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in state.items()
    }
    network = copy.deepcopy(start.network)
    network.load_state_dict(mixed)
    return replace(fitted, network=network.eval())


def trainable_part(
    checkpoint: Checkpoint, part: Part, device: torch.device = CPU
) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    """Return the module to train, and the function from a batch of views to logits."""
    classifier = checkpoint.classifier().to(device)
    network = classifier.network
    if part == "head":
        return network.head, network.head
    return network, lambda views: classifier.run_network(views)[0]
