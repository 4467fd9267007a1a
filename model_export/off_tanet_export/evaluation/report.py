"""Reports of evaluations: as plain JSON values, and as tables of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from off_tanet.types import CLASSES

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.perturbations import EXTREMES, Perturbation, perturb
from off_tanet_export.evaluation.evaluate import MEASURES, score_runs, summarize
from off_tanet_export.evaluation.protocols import Runs, always_negative, fixed, linear
from off_tanet_export.inference import predict
from off_tanet_export.metrics import confusion, uf1


def fixed_report(checkpoints: Sequence[Checkpoint], data: FlowMaps) -> tuple[dict[str, Any], Runs]:
    """Score checkpoints as they are, also with perturbed crops.

    Returns:
        The report, and the predictions of each checkpoint.
    """
    runs = fixed(checkpoints, data)
    perturbed = {
        name: float(np.mean([_perturbed_uf1(c, data, p) for c in checkpoints for p in group]))
        for name, group in EXTREMES.items()
    }
    scores = _scores_and_baselines(data, runs)
    return {"protocol": "fixed", **scores, "perturbations": perturbed}, runs


def loso_report(data: FlowMaps, runs: Runs) -> dict[str, Any]:
    """Score the predictions of networks that were trained without the tested subject."""
    return {"protocol": "loso", **_scores_and_baselines(data, runs)}


def _scores_and_baselines(data: FlowMaps, runs: Runs) -> dict[str, Any]:
    predictions = {"always negative": always_negative(data)}
    if len(np.unique(data.people)) > 1:
        predictions["linear, loso"] = linear(data)
    baselines = {name: summarize(data, [labels]) for name, labels in predictions.items()}
    return {"scores": score_runs(data, runs), "baselines": baselines}


def _perturbed_uf1(checkpoint: Checkpoint, data: FlowMaps, perturbation: Perturbation) -> float:
    predicted = predict(checkpoint, perturb(data.maps, perturbation)).argmax(1)
    return float(uf1(confusion(data.labels, predicted)))


def table(report: dict[str, Any]) -> str:
    """Format a report as a table of text."""
    scores = report["scores"]
    rows = {**scores["per_dataset"], "pooled": scores, **report["baselines"]}
    header = f"{'n':>6}{'UF1':>8}{'95%':>14}{'UAR':>8}{'95%':>14}{'fold means':>14}"
    lines = [f"{'':18}{header}"]
    lines += [f"{name:18}{_row(row)}" for name, row in rows.items()]
    for name in MEASURES:
        values = np.array([run[name] for run in scores["runs"]])
        spread = f", deviation {values.std(ddof=1):.3f}" if len(values) > 1 else ""
        lines.append(f"{name.upper()} of each run: {' '.join(f'{v:.3f}' for v in values)}{spread}")
    low, high = scores["ece_by_chance"]
    chance = f"{low:.3f}-{high:.3f} by chance where confidence is right"
    lines += [f"expected calibration error: {scores['ece']:.3f} ({chance})", ""]
    lines.append(f"{'true class':18}" + "".join(f"{name:>10}" for name in CLASSES))
    for true, row in scores["confusion"].items():
        lines.append(f"{true:18}" + "".join(f"{count:>10}" for count in row.values()))
    if "perturbations" in report:
        lines += ["", f"{'face displaced by':18}{'UF1':>8}{'change':>8}"]
        for name, value in report["perturbations"].items():
            lines.append(f"{name:18}{value:>8.3f}{value - scores['uf1']:>+8.3f}")
    return "\n".join(lines)


def _row(row: dict[str, Any]) -> str:
    parts = [f"{row['n']:>6}"]
    for name in MEASURES:
        low, high = row[f"{name}_interval"]
        parts.append(f"{row[name]:>8.3f}{f'{low:.3f}-{high:.3f}':>14}")
    folds = "/".join(f"{row[f'{name}_fold_mean']:.3f}" for name in MEASURES)
    return "".join(parts) + f"{folds:>14}"
