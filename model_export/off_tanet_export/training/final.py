"""A final model: fine-tuned on all clips, with a temperature from people who were held out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.clip_flows import ClipFlows
from off_tanet_export.network.model import OffTanet
from off_tanet_export.training.batches import CPU
from off_tanet_export.training.calibration import best_temperature
from off_tanet_export.training.fine_tuning import predict_fold
from off_tanet_export.training.folds import FoldData, prepare
from off_tanet_export.training.recipes import FineTuneConfig
from off_tanet_export.training.run import Run
from off_tanet_export.training.tensorboard import TensorBoard
from off_tanet_export.training.trainer import Trainer

FOLDS = 5
"""Groups of people, each of which is held out once: a larger number costs as many trainings."""

TEMPERATURES = np.geomspace(0.1, 20, 1000)
"""Wider than for synthetic motion: a network that knows its few clips by heart is very sure."""

FINAL = "all people"


@dataclass(frozen=True, slots=True)
class FinalTraining:
    """The configuration of a final model.

    Attributes:
        config: How it is trained.
        seed: Seed of all random draws.
        device: Where it is trained.
        resume: Whether to go on with a run that was stopped.
        board: Draws the epochs.
    """

    config: FineTuneConfig
    seed: int = 0
    device: torch.device = CPU
    resume: bool = False
    board: TensorBoard | None = None


def train_final(
    start: Checkpoint, clips: ClipFlows, training: FinalTraining, output: Path
) -> Checkpoint:
    """Fine-tune on all clips, and fit the temperature on the predictions for held-out people.

    The people are divided into groups. Each is predicted by a network that was trained without it
    in the same way; the final network is trained on all.

    Args:
        start: The initial weights, with the classes of the clips.
        clips: The clips, of two or more people.
        training: How to train.
        output: The file that will be written, beside which log and state of the run are.

    Returns:
        The final model, with the card of `start`.

    Raises:
        TrainingError: The state of the run that is to be resumed cannot be used.
    """
    start = replace(start, preprocessing=replace(start.preprocessing, temperature=1.0))
    config = training.config
    groups = list(held_out_groups(clips.people, training.seed))
    fold = prepare(start, clips, config.part, config.perturbed)
    epochs = config.epochs * (len(groups) + 1)
    identity = _identity(start, clips, training)
    with Run.opened(output, identity, epochs, training.resume, training.board) as run:
        shown = np.empty((len(clips.labels), len(clips.classes)), np.float64)
        for number, group in enumerate(groups, start=1):
            shown[group] = _predict_group(
                f"without group {number}", start, fold, group, training, run
            )
        trainer = Trainer(start, fold, config, training.seed, training.device)
        fitted = run.train(FINAL, trainer, config.epochs)
    temperature = best_temperature(shown, soft_targets(clips.labels), TEMPERATURES)
    return replace(fitted, preprocessing=replace(start.preprocessing, temperature=temperature))


def _predict_group(
    stage: str,
    start: Checkpoint,
    fold: FoldData,
    group: NDArray[np.bool_],
    training: FinalTraining,
    run: Run,
) -> NDArray[np.float32]:
    """Predict a group of people by a network that was trained without it."""
    if stage not in run.results:
        others = fold.select(~group)
        trainer = Trainer(start, others, training.config, training.seed, training.device)
        fitted = run.train(stage, trainer, training.config.epochs)
        run.finish(stage, torch.from_numpy(predict_fold(fitted, fold.select(group))))
    return np.asarray(run.results[stage].numpy(), np.float32)


def held_out_groups(people: NDArray[np.str_], seed: int) -> Iterator[NDArray[np.bool_]]:
    """Yield masks [N] of groups of people; each clip is in one of them.

    Args:
        people: The person of each clip [N].
        seed: Draws who is in which group.
    """
    names = np.random.default_rng(seed).permutation(np.unique(people))
    for group in np.array_split(names, min(FOLDS, len(names))):
        yield np.isin(people, group)


def soft_targets(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return targets [N, K]: the labels with one more clip in each class, as J. Platt (1999).

    With exact ones, a few clips that are all right would give probabilities of nearly 1.
    """
    classes = int(labels.max()) + 1
    counts = np.bincount(labels)[labels, None]
    return np.asarray((np.eye(classes)[labels] * counts + 1) / (counts + classes), np.float64)


def with_classes(start: Checkpoint, classes: tuple[str, ...], seed: int) -> Checkpoint:
    """Return weights for some classes: the last layer is new, unless they are those of `start`.

    Args:
        start: The weights; they are not changed.
        classes: The names of the classes.
        seed: Draws the new layer.
    """
    if classes == start.card.classes:
        return start
    torch.manual_seed(seed)
    network = OffTanet(start.network.variant, len(classes))
    kept = {
        name: tensor
        for name, tensor in start.network.state_dict().items()
        if tensor.shape == network.state_dict()[name].shape
    }
    last = network.head[-1]
    if not isinstance(last, nn.Linear):
        raise TypeError("the last layer of the network is not linear")
    drawn = {f"head.{len(network.head) - 1}.{name}": t for name, t in last.state_dict().items()}
    network.load_state_dict({**kept, **drawn})
    return replace(start, network=network.eval(), card=replace(start.card, classes=classes))


def _identity(start: Checkpoint, clips: ClipFlows, training: FinalTraining) -> str:
    """A digest of all that a run depends on."""
    digest = hashlib.sha256(clips.flows.tobytes())
    digest.update(clips.labels.tobytes())
    for tensor in start.network.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    settings = [asdict(training.config), training.seed, str(training.device), torch.__version__]
    described = [settings, clips.people.tolist(), clips.classes, asdict(start.preprocessing)]
    digest.update(json.dumps(described).encode())
    return digest.hexdigest()
