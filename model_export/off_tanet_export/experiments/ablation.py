"""Ablation of triplet attention: five variants of the last block, trained and scored equally."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from off_tanet_export.checkpoint import Checkpoint, load, save
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import TrainingError
from off_tanet_export.evaluation.evaluate import MEASURES, score
from off_tanet_export.evaluation.predictions import Predictions
from off_tanet_export.evaluation.protocols import fixed
from off_tanet_export.network.blocks import BLOCKS, Variant
from off_tanet_export.training.train import Training, draw_datasets, train_on


def ablate(
    training: Training, seeds: Sequence[int], folder: Path
) -> Mapping[Variant, Sequence[Checkpoint]]:
    """Train each variant with each seed; all runs of a seed use the same faces.

    Args:
        training: The configuration, apart from seed and variant.
        seeds: One run of each variant for each.
        folder: Where weights are written, one file for each run. Existing files are not trained
            again.

    Returns:
        The checkpoints of each variant, in the order of the seeds.

    Raises:
        TrainingError: An existing file was trained with another configuration.
        CheckpointError: An existing file is damaged.
    """
    checkpoints: dict[Variant, list[Checkpoint]] = {variant: [] for variant in BLOCKS}
    for seed in seeds:
        runs = {v: replace(training, seed=seed, variant=v) for v in BLOCKS}
        missing = [run for run in runs.values() if not weights_path(folder, run).exists()]
        datasets = draw_datasets(replace(training, seed=seed)) if missing else []
        for run in missing:
            save(train_on(datasets, run), weights_path(folder, run))
        for variant, run in runs.items():
            checkpoints[variant].append(_load_trained(run, weights_path(folder, run)))
    return checkpoints


def weights_path(folder: Path, training: Training) -> Path:
    """Return the file of a run's weights."""
    return folder / f"{training.variant}_{training.seed}.safetensors"


def _load_trained(training: Training, path: Path) -> Checkpoint:
    checkpoint = load(path)
    if checkpoint.card.training != json.loads(json.dumps(asdict(training))):  # lists, no tuples
        raise TrainingError(f"{path} was trained with another configuration")
    return checkpoint


def ablation_table(checkpoints: Mapping[Variant, Sequence[Checkpoint]], data: FlowMaps) -> str:
    """Score each variant and format a table in Markdown.

    Returns:
        A row for each variant: parameters, UF1 and UAR with the standard deviation over seeds, the
        central 95% over subjects, and the score of each seed.
    """
    lines = [
        "| last block | parameters | UF1 | 95% | of each seed | UAR | 95% | of each seed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for variant, group in checkpoints.items():
        scores = score(Predictions.of_runs(data, fixed(group, data)))
        cells = [variant, f"{group[0].network.size:,}"]
        for name in MEASURES:
            cells += _cells(scores, name)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(scores: Mapping[str, Any], name: str) -> list[str]:
    values = [run[name] for run in scores["runs"]]
    low, high = scores[f"{name}_interval"]
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return [
        f"{scores[name]:.3f}{spread}",
        f"{low:.3f}-{high:.3f}",
        " ".join(f"{value:.3f}" for value in values),
    ]
