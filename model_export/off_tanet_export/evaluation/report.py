"""Reports of evaluations: as plain JSON values, and as tables of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.perturbations import EXTREMES, Perturbation, perturb
from off_tanet_export.errors import TrainingError
from off_tanet_export.evaluation.evaluate import (
    MEASURES,
    READINGS,
    details,
    score,
    summarize,
    with_labels,
)
from off_tanet_export.evaluation.folds import Fold, leave_one_subject_out
from off_tanet_export.evaluation.predictions import Predictions
from off_tanet_export.evaluation.protocols import fixed, linear, most_frequent
from off_tanet_export.inference import predict
from off_tanet_export.metrics import confusion, uf1

Report = dict[str, Any]


def fixed_report(checkpoints: Sequence[Checkpoint], data: FlowMaps) -> tuple[Report, Predictions]:
    """Score checkpoints as they are, also with perturbed crops.

    Returns:
        The report, and the predictions of each checkpoint.

    Raises:
        CheckpointError: The weights were trained on another kind of map.
    """
    predictions = Predictions.of_runs(data, fixed(checkpoints, data))
    try:
        folds = leave_one_subject_out(data)
    except TrainingError:  # a single person
        folds = []
    report = {"protocol": "fixed", **_scores_and_baselines(data, "loso", folds, predictions)}
    if all(checkpoint.preprocessing.scaled for checkpoint in checkpoints):
        report["perturbations"] = {
            name: float(np.mean([_perturbed_uf1(c, data, p) for c in checkpoints for p in group]))
            for name, group in EXTREMES.items()
        }
    return report, predictions


def trained_report(
    protocol: str, data: FlowMaps, folds: Sequence[Fold], predictions: Predictions
) -> Report:
    """Report the scores of networks that were trained without the people that they are tested on.

    Args:
        protocol: Its name.
        data: The labelled clips.
        folds: The folds. Those of `cross` are reported each on its own.
        predictions: The predictions of all folds.
    """
    if protocol != "cross":
        return {"protocol": protocol, **_scores_and_baselines(data, protocol, folds, predictions)}
    parts = {
        fold.name: _scores_and_baselines(
            data, protocol, [fold], predictions.select(predictions.folds == fold.name)
        )
        for fold in folds
    }
    return {"protocol": protocol, "parts": parts}


def _scores_and_baselines(
    data: FlowMaps, protocol: str, folds: Sequence[Fold], predictions: Predictions
) -> Report:
    once = predictions.runs()[0]
    frequent = most_frequent(data)
    always = np.full(len(once.truth), frequent)
    baselines = {f"always {data.classes[frequent]}": with_labels(once, always)}
    if folds:
        labels = linear(data, folds)
        order = np.concatenate([np.flatnonzero(fold.tested) for fold in folds])
        baselines[f"linear, {protocol}"] = Predictions.of(
            data, order, np.eye(len(data.classes))[labels[order]],
            np.repeat([fold.name for fold in folds], [fold.tested.sum() for fold in folds]),
            np.zeros(len(order), np.int64),
        )  # fmt: skip
    databases = np.unique(predictions.databases).tolist()
    rows = {name: predictions.select(predictions.databases == name) for name in databases}
    rows |= {"pooled": predictions, **baselines}
    return {
        "scores": score(predictions),
        "baselines": {name: summarize(each) for name, each in baselines.items()},
        "details": {name: details(each) for name, each in rows.items()},
    }


def _perturbed_uf1(checkpoint: Checkpoint, data: FlowMaps, perturbation: Perturbation) -> float:
    predicted = predict(checkpoint, perturb(data.maps, perturbation)).argmax(1)
    return float(uf1(confusion(data.labels, predicted, len(data.classes))))


def table(report: Report) -> str:
    """Format a report as a table of text."""
    if "parts" not in report:
        return _table(report)
    return "\n\n".join(f"{name}\n{_table(part)}" for name, part in report["parts"].items())


def _table(report: Report) -> str:
    scores = report["scores"]
    rows = {**scores["per_dataset"], "pooled": scores, **report["baselines"]}
    width = 2 + max(16, *map(len, rows))
    header = f"{'n':>6}{'UF1':>8}{'95%':>14}{'UAR':>8}{'95%':>14}{'accuracy':>10}"
    lines = [" " * width + header]
    notes = report["details"]
    lines += [f"{name:{width}}{_row(row, notes[name])}" for name, row in rows.items()]
    lines += _absent(notes)
    for name in MEASURES:
        values = np.array([run[name] for run in scores["runs"]])
        spread = f", deviation {values.std(ddof=1):.3f}" if len(values) > 1 else ""
        lines.append(f"{name.upper()} of each run: {' '.join(f'{v:.3f}' for v in values)}{spread}")
    low, high = scores["ece_by_chance"]
    chance = f"{low:.3f}-{high:.3f} by chance where confidence is right"
    lines += [f"expected calibration error: {scores['ece']:.3f} ({chance})", ""]
    lines += [*_fold_means(notes, width), "", *_confusion(scores["confusion"])]
    if "perturbations" in report:
        lines += ["", f"{'face displaced by':18}{'UF1':>8}{'change':>8}"]
        for name, value in report["perturbations"].items():
            lines.append(f"{name:18}{value:>8.3f}{value - scores['uf1']:>+8.3f}")
    return "\n".join(lines)


def _row(row: Report, details: Report) -> str:
    parts = [f"{row['n']:>6}"]
    for name in MEASURES:
        low, high = row[f"{name}_interval"]
        parts.append(f"{row[name]:>8.3f}{f'{low:.3f}-{high:.3f}':>14}")
    return "".join(parts) + f"{details['accuracy']:>10.3f}"


def _absent(rows: dict[str, Report]) -> list[str]:
    """Say which rows are means over some classes only."""
    return [
        f"{name}: no clip is {' or '.join(row['absent'])}; UF1 and UAR are of the other classes"
        for name, row in rows.items()
        if row["absent"]
    ]


def _fold_means(rows: dict[str, Report], width: int) -> list[str]:
    """Tabulate the mean scores of folds, in each reading."""
    lines = [f"{'mean of folds':{width}}" + "".join(f"{title:>24}" for title in READINGS)]
    for name, row in rows.items():
        means = [row["fold_means"][title] for title in READINGS]
        cells = [f"{mean['uf1']:.3f} / {mean['uar']:.3f}" for mean in means]
        lines.append(f"{name:{width}}" + "".join(f"{cell:>24}" for cell in cells))
    return lines


def _confusion(counts: dict[str, dict[str, int]]) -> list[str]:
    width = max(10, 2 + max(map(len, counts)))
    lines = [f"{'true class':18}" + "".join(f"{name:>{width}}" for name in counts)]
    lines += [
        f"{true:18}" + "".join(f"{count:>{width}}" for count in row.values())
        for true, row in counts.items()
    ]
    return lines
