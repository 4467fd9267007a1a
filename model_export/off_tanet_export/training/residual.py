"""A final model that corrects a fixed network by a linear model of its residual."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.clip_flows import ClipFlows
from off_tanet_export.errors import CheckpointError
from off_tanet_export.graph import PreprocessingConfig
from off_tanet_export.inference import BATCH
from off_tanet_export.metrics import Labels
from off_tanet_export.network.residual import MAP_SIZE, LinearResidual
from off_tanet_export.training.calibration import best_temperature
from off_tanet_export.training.final import TEMPERATURES, held_out_groups, soft_targets
from off_tanet_export.training.linear import Values, class_weights, fit_ridge, mirror_mean


@dataclass(frozen=True, slots=True)
class _Clips:
    """What is corrected, and by what: values [N, D], probabilities [N, K] and labels [N]."""

    values: Values
    probabilities: Values
    labels: Labels


def train_residual(start: Checkpoint, clips: ClipFlows, seed: int) -> Checkpoint:
    """Fit the correction on all clips, and its temperature on people who were held out.

    Args:
        start: The network, which knows the classes of the clips and stays as it is.
        clips: The clips, of two or more people.
        seed: Draws which people are held out together.

    Returns:
        The final model, with the card of `start`.

    Raises:
        CheckpointError: The network has other maps than those that are corrected by.
    """
    maps = PreprocessingConfig(map_size=MAP_SIZE)
    theirs = start.preprocessing
    if not theirs.scaled or (theirs.map_size, theirs.strain) != (maps.map_size, maps.strain):
        raise CheckpointError(
            f"only weights for scaled maps of {MAP_SIZE} x {MAP_SIZE} are corrected"
        )
    start = replace(start, residual=None)
    known = _Clips(mirror_mean(clips.maps()), _predict(start, clips), clips.labels)
    shown = np.empty_like(known.probabilities)
    for group in held_out_groups(clips.people, seed):
        model = _fit(known, ~group)
        mean = torch.from_numpy(known.values[group].reshape(-1, 3, MAP_SIZE, MAP_SIZE)).float()
        shown[group] = model(mean, torch.from_numpy(known.probabilities[group]).float()).numpy()
    model = _fit(known, np.full(len(clips.labels), True))
    temperature = best_temperature(shown, soft_targets(clips.labels), TEMPERATURES)
    model.temperature.fill_(temperature)
    return replace(start, residual=model)


def _predict(start: Checkpoint, clips: ClipFlows) -> Values:
    classifier = start.classifier()
    flows = torch.from_numpy(clips.flows).split(BATCH)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        return np.asarray(torch.cat([classifier(batch)[0] for batch in flows]).numpy(), np.float64)


def _fit(clips: _Clips, chosen: np.typing.NDArray[np.bool_]) -> LinearResidual:
    labels = clips.labels[chosen]
    residual = np.eye(clips.probabilities.shape[1])[labels] - clips.probabilities[chosen]
    weight, bias = fit_ridge(clips.values[chosen], residual, class_weights(labels))
    model = LinearResidual(len(bias))
    model.weight.copy_(torch.from_numpy(weight.T))
    model.bias.copy_(torch.from_numpy(bias))
    return model.eval()
