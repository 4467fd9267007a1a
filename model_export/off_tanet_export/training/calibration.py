"""Temperature scaling, fitted on synthetic motion alone.

C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.types import CLASSES

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.errors import CheckpointError
from off_tanet_export.graph import FlowClassifier
from off_tanet_export.inference import BATCH
from off_tanet_export.metrics import Labels
from off_tanet_export.training.train import Training, batches, draw_datasets

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
TEMPERATURES = np.geomspace(0.25, 4, 500)


def calibrate(checkpoint: Checkpoint, seed: int = 993) -> Checkpoint:
    """Fit the temperature on synthetic faces. Only the preprocessing changes.

    Args:
        checkpoint: The weights to calibrate.
        seed: Draws the faces, as in training; training itself does not use this seed.

    Returns:
        The checkpoint with the temperature of the largest likelihood.

    Raises:
        CheckpointError: The weights take raw pixels; synthetic motion has no unit.
    """
    if not checkpoint.preprocessing.scaled:
        raise CheckpointError("only weights that take scaled maps can be calibrated")
    training = Training(seed=seed, pairs=SAMPLES, samples=SAMPLES, batch=SAMPLES)
    size = checkpoint.preprocessing.map_size
    flows, labels = next(batches(training, draw_datasets(training), size))
    uncalibrated = replace(checkpoint.preprocessing, temperature=1.0)
    classifier = FlowClassifier(checkpoint.network, uncalibrated)
    with torch.inference_mode():
        parts = [classifier(part)[0] for part in flows.split(BATCH)]  # type: ignore[no-untyped-call]
    fitted = fit_temperature(torch.cat(parts).numpy().astype(np.float64), labels.numpy())
    return replace(checkpoint, preprocessing=replace(uncalibrated, temperature=fitted))


def fit_temperature(probabilities: NDArray[np.float64], labels: Labels) -> float:
    """Return the divisor of the logits that maximises the likelihood of the labels.

    Each label counts in part for the other classes, by `DISAGREEMENT`.

    Args:
        probabilities: [N, 3], at temperature 1.
        labels: [N].
    """
    logits = np.log(np.maximum(probabilities, 1e-12))
    others = DISAGREEMENT / (len(CLASSES) - 1)
    targets = np.where(np.eye(len(CLASSES))[labels] > 0, 1 - DISAGREEMENT, others)
    # The logarithm of a sum of exponentials: logits are at most 0, so nothing overflows.
    losses = [
        np.log(np.exp(logits / t).sum(1)).mean() - (targets * logits / t).sum(1).mean()
        for t in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmin(losses))])
