"""The temperature that makes a confidence mean what it says; fitted on synthetic motion alone.

C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.types import CLASSES

from off_tanet_export.errors import CheckpointError
from off_tanet_export.evaluation.evaluate import BATCH
from off_tanet_export.evaluation.metrics import Labels
from off_tanet_export.graph import FlowClassifier
from off_tanet_export.network.checkpoint import Checkpoint
from off_tanet_export.training.train import Training, batches, drawn

DISAGREEMENT = 0.1
"""How often a real clip's label is not what its motion shows, beyond what photographs blur already.

People who label real clips agree with one another in about 84 of 100 cases: the reliability of
coders is given as about .85 for CASME II (W.-J. Yan et al., PLOS ONE 9(1), 2014) and .82 for SAMM
(A. K. Davison et al., IEEE Transactions on Affective Computing 9(1), 2018). Part of that is motion
too faint to tell, which synthetic photographs have as well. Tuned like the rest of the generator:
of 0, .05, .1 and .16 it is the one under which two seeds were calibrated best on real maps.
"""

SAMPLES = 900
TEMPERATURES = np.geomspace(0.25, 4, 500)


def calibrated(checkpoint: Checkpoint, seed: int = 993) -> Checkpoint:
    """The checkpoint with the temperature under which synthetic faces are likeliest.

    Only the recipe changes. `seed` draws the faces, as training does; it is no
    seed of training. Raises
    `CheckpointError` for weights that take raw pixels: synthetic motion has no unit.
    """
    if not checkpoint.recipe.scaled:
        raise CheckpointError("only weights that take scaled maps can be calibrated")
    shown = Training(seed=seed, pairs=SAMPLES, samples=SAMPLES, batch=SAMPLES)
    flows, labels = next(batches(shown, drawn(shown), checkpoint.recipe.map_size))
    plain = FlowClassifier(checkpoint.network, replace(checkpoint.recipe, temperature=1.0))
    with torch.inference_mode():
        answers = torch.cat([plain(few)[0] for few in flows.split(BATCH)])  # type: ignore[no-untyped-call]
    fitted = temperature(answers.numpy().astype(np.float64), labels.numpy())
    return replace(checkpoint, recipe=replace(checkpoint.recipe, temperature=fitted))


def temperature(probabilities: NDArray[np.float64], labels: Labels) -> float:
    """What to divide the logits of `probabilities` [N, 3] by: it maximises the likelihood.

    Each label counts in part for the other classes, by `DISAGREEMENT`.
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
