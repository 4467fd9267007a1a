"""What is trained in each fold: a network, or a linear model of a network's residual."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.clip_flows import ClipFlows
from off_tanet_export.datasets.flow_maps import FlowMaps, Flows
from off_tanet_export.evaluation.folds import Fold
from off_tanet_export.inference import check_classes, predict_clips
from off_tanet_export.training.fine_tuning import FineTuneConfig, fit, predict_fold, prepare
from off_tanet_export.training.linear import correct, mirror_mean

Predict = Callable[[Fold], NDArray[np.floating]]
"""From a fold to the probabilities [M, C] of its tested clips."""


class Learner(Protocol):
    """What is trained in each fold. It is sent to the processes that do the work."""

    @property
    def runs(self) -> int:
        """The number of runs, each with a seed from 0 on."""

    def prepare(self, data: FlowMaps, seed: int) -> Predict:
        """Do what all folds of a run have in common.

        Args:
            data: The labelled clips.
            seed: The number of the run.

        Returns:
            A function that trains and predicts a fold. Nothing of the tested clips is used before
            they are predicted.
        """

    def about(self) -> Mapping[str, Any]:
        """Return the configuration as JSON values: equal ones give equal predictions."""


@dataclass(frozen=True, slots=True)
class FineTuning:
    """Fine-tunes a network.

    Attributes:
        starts: The initial weights of each run.
        config: How to fine-tune. The weights of the last epoch count, not of the best one.
    """

    starts: Sequence[Checkpoint]
    config: FineTuneConfig

    @property
    def runs(self) -> int:
        """One from each start."""
        return len(self.starts)

    def prepare(self, data: FlowMaps, seed: int) -> Predict:
        """Compute the views of all clips."""
        start = self.starts[seed]
        check_classes(start, data)
        source = data if data.flows is None else _flows(data, data.flows)
        clips = prepare(start, source, self.config.part, self.config.perturbed)

        def predict(fold: Fold) -> NDArray[np.floating]:
            fitted = fit(start, clips.select(fold.trained), self.config, seed)
            return predict_fold(fitted, clips.select(fold.tested))

        return predict

    def about(self) -> Mapping[str, Any]:
        """The configuration and digests of the starts."""
        return {**asdict(self.config), "starts": [digest(start) for start in self.starts]}


@dataclass(frozen=True, slots=True)
class ResidualLinear:
    """Corrects a fixed network by a linear model of its residual.

    Attributes:
        starts: The network of each run.
    """

    starts: Sequence[Checkpoint]

    @property
    def runs(self) -> int:
        """One for each network."""
        return len(self.starts)

    def prepare(self, data: FlowMaps, seed: int) -> Predict:
        """Predict all clips by the fixed network."""
        run = predict_clips(self.starts[seed], data).astype(np.float64)
        residual = np.eye(len(data.classes))[data.labels] - run
        values = mirror_mean(data.maps)

        def predict(fold: Fold) -> NDArray[np.floating]:
            known, tested = fold.trained, fold.tested
            return correct(
                values[known], residual[known], data.labels[known], values[tested], run[tested]
            )

        return predict

    def about(self) -> Mapping[str, Any]:
        """Digests of the networks."""
        return {"part": "residual-linear", "starts": [digest(start) for start in self.starts]}


def _flows(data: FlowMaps, flows: Flows) -> ClipFlows:
    columns = {"dataset": data.datasets, "subject": data.subjects, "label": data.labels}
    return ClipFlows(flows, columns, data.classes)


def digest(checkpoint: Checkpoint) -> str:
    """Return a digest of a checkpoint's weights and preprocessing."""
    found = blake2b(repr(checkpoint.preprocessing).encode(), digest_size=16)
    parts = (checkpoint.network, checkpoint.expressive, checkpoint.residual)
    for part in parts:
        for name, tensor in sorted(part.state_dict().items()) if part else ():
            found.update(name.encode() + tensor.numpy().tobytes())
    return found.hexdigest()
