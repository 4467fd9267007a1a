"""Which synthetic motion teaches more: fields as they are, photographs of faces, or both?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.evaluation.evaluate import predict
from off_tanet_export.evaluation.metrics import confusion, uar, uf1
from off_tanet_export.training.train import Source, Training, train


def compared(
    training: Training, data: FlowMaps, seeds: int, sources: Sequence[Source]
) -> Iterator[str]:
    """One line for each source: UF1 and UAR of each seed, their mean and standard deviation.

    All train on as many pairs, for as many steps, from the same seeds.
    """
    for source in sources:
        scores = []
        for seed in range(seeds):
            checkpoint = train(replace(training, seed=seed, source=source))
            counts = confusion(data.labels, predict(checkpoint, data.maps).argmax(1))
            scores.append((float(uf1(counts)), float(uar(counts))))
        for name, values in zip(("UF1", "UAR"), np.transpose(scores), strict=True):
            spread = values.std(ddof=1) if seeds > 1 else 0.0
            each = " ".join(f"{value:.3f}" for value in values)
            yield f"{source:<14}{name} {values.mean():.3f} ± {spread:.3f}  ({each})"
