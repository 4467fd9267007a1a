"""Temperature scaling, fitted on synthetic motion alone.

C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.errors import CheckpointError
from off_tanet_export.inference import BATCH
from off_tanet_export.metrics import Labels
from off_tanet_export.network.expressive import ExpressiveHead
from off_tanet_export.training.batches import Batch, batches
from off_tanet_export.training.train import Source, Training, draw_datasets

Probabilities = NDArray[np.float64]

DISAGREEMENT = 0.1
"""The share of real clips whose label differs from what their motion shows.

Coders of real clips agree with one another in about 84 of 100 cases: the reliability of coders is
given as about .85 for CASME II (W.-J. Yan et al., PLOS ONE 9(1), 2014) and .82 for SAMM (A. K.
Davison et al., IEEE Transactions on Affective Computing 9(1), 2018). Part of the disagreement is
motion too faint to classify, which synthetic photographs contain as well. The value was tuned like
the other parameters of the generator: of 0, .05, .1 and .16 it gave two seeds the best calibration
on real maps.
"""

SAMPLES = 900
FOOTAGE_SAMPLES = 2500
TEMPERATURES = np.geomspace(0.25, 4, 500)
NEWTON_STEPS = 30


def calibrate(checkpoint: Checkpoint, seed: int = 993, processes: int = 1) -> Checkpoint:
    """Fit the temperature on synthetic faces, of the kind that the weights were trained on.

    Args:
        checkpoint: The weights to calibrate.
        seed: Draws the faces, as in training; training itself does not use this seed.
        processes: Processes that render footage at once.

    Returns:
        The checkpoint with the temperature of the largest likelihood. Weights that were trained on
        footage have a head for `expressive`, which is calibrated, too.

    Raises:
        CheckpointError: The weights take raw pixels, and synthetic motion has no unit; or they were
            trained on recordings, on which their temperature was fitted.
    """
    if checkpoint.card.trained_on_people:
        raise CheckpointError("weights that were trained on recordings are calibrated by train")
    if not checkpoint.preprocessing.scaled:
        raise CheckpointError("only weights that take scaled maps can be calibrated")
    footage = checkpoint.card.training.get("source") == "footage"
    pairs = FOOTAGE_SAMPLES if footage else SAMPLES
    source: Source = "footage" if footage else "photographs"
    training = Training(seed=seed, source=source, pairs=pairs, samples=pairs, batch=pairs)
    size = checkpoint.preprocessing.map_size
    batch = next(batches(training, draw_datasets(training, processes), size))
    calibrated = calibrate_classes(checkpoint, batch, certain=not footage)
    return calibrate_head(calibrated, batch) if footage else calibrated


def calibrate_classes(checkpoint: Checkpoint, batch: Batch, certain: bool) -> Checkpoint:
    """Fit the temperature on given samples.

    Args:
        checkpoint: The weights.
        batch: The samples; those without a visible expression are left out.
        certain: Whether their labels are certain, so that `DISAGREEMENT` is added.
    """
    uncalibrated = replace(checkpoint.preprocessing, temperature=1.0)
    probabilities = _outputs(replace(checkpoint, preprocessing=uncalibrated), batch)[0]
    if certain:
        fitted = fit_temperature(probabilities, batch.targets.argmax(1).numpy())
    else:
        visible = (batch.expressive >= 0.5).numpy()
        fitted = best_temperature(probabilities[visible], batch.targets.numpy()[visible])
    return replace(checkpoint, preprocessing=replace(uncalibrated, temperature=fitted))


def calibrate_head(checkpoint: Checkpoint, batch: Batch) -> Checkpoint:
    """Scale and shift the logit of `expressive` on given samples, in the head's last layer."""
    if checkpoint.expressive is None:
        raise CheckpointError("the weights have no head for `expressive`")
    known = (~batch.expressive.isnan()).numpy()
    shown = _outputs(checkpoint, batch)[2][known]
    scale, shift = fit_logistic(shown, batch.expressive.numpy()[known].astype(np.float64))
    return replace(checkpoint, expressive=_rescaled(checkpoint.expressive, scale, shift))


def _outputs(checkpoint: Checkpoint, batch: Batch) -> list[Probabilities]:
    classifier = checkpoint.classifier()
    with torch.inference_mode():
        parts = [classifier(part) for part in batch.flows.split(BATCH)]  # type: ignore[no-untyped-call]
    return [torch.cat(values).numpy().astype(np.float64) for values in zip(*parts, strict=True)]


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Return the divisor of the logits that maximises the likelihood of the labels.

    Each label counts in part for the other classes, by `DISAGREEMENT`.

    Args:
        probabilities: [N, K], at temperature 1.
        labels: [N].
    """
    classes = probabilities.shape[1]
    others = DISAGREEMENT / (classes - 1)
    targets = np.where(np.eye(classes)[labels] > 0, 1 - DISAGREEMENT, others)
    return best_temperature(probabilities, targets)


def best_temperature(
    probabilities: Probabilities,
    targets: Probabilities,
    temperatures: Probabilities = TEMPERATURES,
) -> float:
    """Return the divisor of the logits that maximises the likelihood of soft labels.

    Args:
        probabilities: [N, K], at temperature 1.
        targets: The share of each class [N, K].
        temperatures: The divisors to choose from.
    """
    logits = np.log(np.maximum(probabilities, 1e-12))
    # The logarithm of a sum of exponentials: logits are at most 0, so nothing overflows.
    losses = [
        np.log(np.exp(logits / t).sum(1)).mean() - (targets * logits / t).sum(1).mean()
        for t in temperatures
    ]
    return float(temperatures[int(np.argmin(losses))])


def fit_logistic(probabilities: Probabilities, expected: Probabilities) -> tuple[float, float]:
    """Return scale and shift of the logits that maximise the likelihood, by Newton's method.

    J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999.

    Args:
        probabilities: [N].
        expected: [N], 0 to 1.
    """
    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    design = np.stack([np.log(clipped / (1 - clipped)), np.ones(len(clipped))], 1)
    terms = np.zeros(2)  # from flat probabilities Newton's method converges, from steep ones not
    for _ in range(NEWTON_STEPS):
        shown = 1 / (1 + np.exp(-np.clip(design @ terms, -30, 30)))
        curvature = (design * (shown * (1 - shown))[:, None]).T @ design + 1e-3 * np.eye(2)
        terms = terms - np.linalg.solve(curvature, design.T @ (shown - expected))
    return float(terms[0]), float(terms[1])


def _rescaled(head: ExpressiveHead, scale: float, shift: float) -> ExpressiveHead:
    """Return a copy of the head whose logits are scaled and shifted."""
    changed = copy.deepcopy(head)
    last = changed.layers[-1]
    if not isinstance(last, nn.Linear):
        raise TypeError("the last layer of the head is not linear")
    with torch.no_grad():
        last.weight.mul_(scale)
        last.bias.mul_(scale).add_(shift)
    return changed
