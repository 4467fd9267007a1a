"""Everything that one evaluation found: as plain JSON, and as a table of it for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
from off_tanet.types import CLASSES

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.evaluation.evaluate import MEASURES, predict, scores, summary
from off_tanet_export.evaluation.metrics import confusion, uf1
from off_tanet_export.evaluation.perturbations import EXTREMES, Placement, displaced
from off_tanet_export.evaluation.protocols import Runs, always_negative, fixed, linear
from off_tanet_export.experiments.attention_analysis import Reading
from off_tanet_export.network.checkpoint import Checkpoint


def fixed_report(checkpoints: Sequence[Checkpoint], data: FlowMaps) -> tuple[dict[str, Any], Runs]:
    """Checkpoints as they are, one run each, and where the face lies otherwise in its crop."""
    runs = fixed(checkpoints, data)
    moved = {
        name: float(np.mean([_uf1(one, data, how) for one in checkpoints for how in placements]))
        for name, placements in EXTREMES.items()
    }
    return {"protocol": "fixed", **_found(data, runs), "placements": moved}, runs


def loso_report(data: FlowMaps, runs: Runs) -> dict[str, Any]:
    """Networks that were trained without the subject whose clips they name."""
    return {"protocol": "loso", **_found(data, runs)}


def _found(data: FlowMaps, runs: Runs) -> dict[str, Any]:
    named = {"always negative": always_negative(data)}
    if len(np.unique(data.people)) > 1:
        named["linear, loso"] = linear(data)
    baselines = {name: summary(data, [labels]) for name, labels in named.items()}
    return {"scores": scores(data, runs), "baselines": baselines}


def _uf1(checkpoint: Checkpoint, data: FlowMaps, placement: Placement) -> float:
    named = predict(checkpoint, displaced(data.maps, placement)).argmax(1)
    return float(uf1(confusion(data.labels, named)))


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    told = report["scores"]
    rows = {**told["per_dataset"], "pooled": told, **report["baselines"]}
    heads = f"{'n':>6}{'UF1':>8}{'95%':>14}{'UAR':>8}{'95%':>14}{'fold means':>14}"
    lines = [f"{'':18}{heads}"]
    lines += [f"{name:18}{_row(row)}" for name, row in rows.items()]
    for name in MEASURES:
        each = np.array([run[name] for run in told["runs"]])
        spread = f", deviation {each.std(ddof=1):.3f}" if len(each) > 1 else ""
        lines.append(f"{name.upper()} of each run: {' '.join(f'{v:.3f}' for v in each)}{spread}")
    low, high = told["ece_by_chance"]
    chance = f"{low:.3f}-{high:.3f} by chance where confidence is right"
    lines += [f"expected calibration error: {told['ece']:.3f} ({chance})", ""]
    lines.append(f"{'true class':18}" + "".join(f"{name:>10}" for name in CLASSES))
    for true, row in told["confusion"].items():
        lines.append(f"{true:18}" + "".join(f"{count:>10}" for count in row.values()))
    if "placements" in report:
        lines += ["", f"{'face displaced by':18}{'UF1':>8}{'change':>8}"]
        for name, value in report["placements"].items():
            lines.append(f"{name:18}{value:>8.3f}{value - told['uf1']:>+8.3f}")
    return "\n".join(lines)


def _row(row: dict[str, Any]) -> str:
    parts = [f"{row['n']:>6}"]
    for name in MEASURES:
        low, high = row[f"{name}_interval"]
        parts.append(f"{row[name]:>8.3f}{f'{low:.3f}-{high:.3f}':>14}")
    folds = "/".join(f"{row[f'{name}_fold_mean']:.3f}" for name in MEASURES)
    return "".join(parts) + f"{folds:>14}"


def readings_table(found: Mapping[str, Mapping[str, Reading]]) -> str:
    """Variant -> its readings, in Markdown."""
    lines = [
        "| last block | attention | share before | after | sparseness before | after |",
        "|---|---|---|---|---|---|",
    ]
    for variant, kinds in found.items():
        for kind, read in kinds.items():
            cells = " | ".join(f"{value:.3f}" for value in astuple(read))
            lines.append(f"| {variant} | {kind} | {cells} |")
    return "\n".join(lines)


def shares_table(shares: Mapping[str, Mapping[str, float]]) -> str:
    """Action unit -> variant, or `chance`, -> the share in the unit's region, in Markdown."""
    heads = list(next(iter(shares.values())))
    lines = [f"| moved | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for unit, row in shares.items():
        lines.append(f"| {unit} | {' | '.join(f'{row[head]:.2f}' for head in heads)} |")
    mean = [float(np.mean([row[head] for row in shares.values()])) for head in heads]
    lines.append(f"| **mean** | {' | '.join(f'**{value:.2f}**' for value in mean)} |")
    return "\n".join(lines)
