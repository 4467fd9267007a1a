"""Comparison of the sources of synthetic motion: fields, rendered photographs, or both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.inference import predict
from off_tanet_export.metrics import confusion, uar, uf1
from off_tanet_export.training.train import Source, Training, train


def compare(
    training: Training, data: FlowMaps, seeds: int, sources: Sequence[Source]
) -> Iterator[str]:
    """Train on each source and score on real maps.

    Args:
        training: The configuration, apart from seed and source: all runs use the same number of
            pairs and steps.
        data: The labelled maps.
        seeds: The number of runs for each source; their seeds are 0, 1, ...
        sources: The sources to compare.

    Yields:
        Two lines for each source: mean, standard deviation and values of UF1, and of UAR.
    """
    for source in sources:
        scores = []
        for seed in range(seeds):
            checkpoint = train(replace(training, seed=seed, source=source))
            counts = confusion(data.labels, predict(checkpoint, data.maps).argmax(1))
            scores.append((float(uf1(counts)), float(uar(counts))))
        for name, values in zip(("UF1", "UAR"), np.transpose(scores), strict=True):
            spread = values.std(ddof=1) if seeds > 1 else 0.0
            listed = " ".join(f"{value:.3f}" for value in values)
            yield f"{source:<14}{name} {values.mean():.3f} ± {spread:.3f}  ({listed})"
