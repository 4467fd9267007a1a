"""Does triplet attention earn its parameters? Five last blocks, trained alike and scored alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import TrainingError
from off_tanet_export.evaluation.evaluate import MEASURES, scores
from off_tanet_export.evaluation.protocols import fixed
from off_tanet_export.network.blocks import BLOCKS, Variant
from off_tanet_export.network.checkpoint import Checkpoint, load, save
from off_tanet_export.training.train import Training, drawn, taught


def ablated(
    training: Training, seeds: Sequence[int], folder: Path
) -> Mapping[Variant, Sequence[Checkpoint]]:
    """Each variant, once for each seed, all of a seed from the same faces.

    They are written into `folder` one by one; what lies there already is not trained again.
    Raises `TrainingError` where it was trained otherwise, `CheckpointError` where it is damaged.
    """
    found: dict[Variant, list[Checkpoint]] = {variant: [] for variant in BLOCKS}
    for seed in seeds:
        runs = {v: replace(training, seed=seed, variant=v) for v in BLOCKS}
        lacking = {v: run for v, run in runs.items() if not written(folder, run).exists()}
        pools = drawn(replace(training, seed=seed)) if lacking else []
        for run in lacking.values():
            save(taught(run, pools), written(folder, run))
        for variant, run in runs.items():
            found[variant].append(trained_as(run, written(folder, run)))
    return found


def written(folder: Path, training: Training) -> Path:
    return folder / f"{training.variant}_{training.seed}.safetensors"


def trained_as(training: Training, path: Path) -> Checkpoint:
    """The checkpoint at `path`. Raises `TrainingError` where its card tells of another training."""
    checkpoint = load(path)
    if checkpoint.card.training != asdict(training):
        raise TrainingError(f"{path} was trained otherwise")
    return checkpoint


def ablation_table(found: Mapping[Variant, Sequence[Checkpoint]], data: FlowMaps) -> str:
    """Variant -> parameters, and UF1 and UAR with 95% over subjects and their seeds' deviation."""
    lines = [
        "| last block | parameters | UF1 | 95% | of each seed | UAR | 95% | of each seed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for variant, checkpoints in found.items():
        told = scores(data, fixed(checkpoints, data))
        cells = [variant, f"{checkpoints[0].network.size:,}"]
        for name in MEASURES:
            cells += _cells(told, name)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(told: Mapping[str, Any], name: str) -> list[str]:
    each = [run[name] for run in told["runs"]]
    low, high = told[f"{name}_interval"]
    spread = f" ± {np.std(each, ddof=1):.3f}" if len(each) > 1 else ""
    return [
        f"{told[name]:.3f}{spread}",
        f"{low:.3f}-{high:.3f}",
        " ".join(f"{value:.3f}" for value in each),
    ]
