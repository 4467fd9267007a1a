"""Whether weights are better than others: paired bootstrap on maps and on flows of real clips.

    python -m off_tanet_export.experiments.decision --before W --after W ... --maps M --pairs P

Prints the scores of each, and the central 95% of the difference over resamples of subjects (maps)
and of clips (pairs). `--log` appends each scored checkpoint to a .csv, so that no configuration is
scored without being counted.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from off_tanet_export.checkpoint import Checkpoint, load
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.flow_pairs import NEUTRAL, FlowPairs, load_pairs
from off_tanet_export.datasets.loading import load_labelled
from off_tanet_export.inference import BATCH, predict
from off_tanet_export.metrics import (
    Confusion,
    area_under_curve,
    confusion_by_person,
    paired_interval,
    reliability,
    selective_accuracy,
    uar,
    uf1,
)

UNCERTAIN_EMOTION = "Contempt"
"""An emotion that is left out of one of the scores: its clips are labelled least reliably."""

COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What a checkpoint makes of both data sets.

    Attributes:
        maps: Confusions by subject [P, 3, 3].
        pairs: Confusions by clip [C, 3, 3], of expressions except the uncertain emotion.
        row: The figures, by their names.
        coverage: Accuracy on maps and pairs for each of `COVERAGES`, [2, K].
    """

    maps: Confusion
    pairs: Confusion
    row: dict[str, float]
    coverage: NDArray[np.float64]


def score(checkpoint: Checkpoint, maps: FlowMaps, pairs: FlowPairs) -> Scored:
    """Score a checkpoint on both data sets, but not on maps of another side than its own."""
    by_subject, row, on_maps = _score_maps(checkpoint, maps)
    on_pairs, expressive = _recognise(checkpoint, pairs)
    shown = pairs.labels != NEUTRAL
    certain = shown & (pairs.emotions != UNCERTAIN_EMOTION)
    clips = np.arange(len(pairs.labels)).astype(str)
    by_clip, all_clips = (
        confusion_by_person(pairs.labels[chosen], on_pairs[chosen].argmax(1), clips[chosen])
        for chosen in (certain, shown)
    )
    row |= {
        "pairs_uf1": float(uf1(all_clips.sum(0))),
        "pairs_uar": float(uar(all_clips.sum(0))),
        "pairs_certain_uf1": float(uf1(by_clip.sum(0))),
        "pairs_certain_uar": float(uar(by_clip.sum(0))),
        "pairs_ece": reliability(pairs.labels[shown], on_pairs[shown]).error,
    }
    if expressive is not None:
        row["expressive_auc"] = area_under_curve(expressive[shown], expressive[~shown])
    on_certain = selective_accuracy(pairs.labels[certain], on_pairs[certain], COVERAGES)
    return Scored(by_subject, by_clip, row, np.stack([on_maps, on_certain]))


def _score_maps(
    checkpoint: Checkpoint, maps: FlowMaps
) -> tuple[Confusion, dict[str, float], NDArray[np.float64]]:
    """Return the confusions by subject, the figures and the accuracy for each of `COVERAGES`."""
    classes = len(maps.classes)
    if checkpoint.preprocessing.map_size != maps.maps.shape[-1]:
        return np.zeros((1, classes, classes), np.int64), {}, np.full(len(COVERAGES), np.nan)
    found = predict(checkpoint, maps.maps)
    counts = confusion_by_person(maps.labels, found.argmax(1), maps.people)
    row = {
        "maps_uf1": float(uf1(counts.sum(0))),
        "maps_uar": float(uar(counts.sum(0))),
        "maps_ece": reliability(maps.labels, found).error,
    }
    return counts, row, selective_accuracy(maps.labels, found, COVERAGES)


def _recognise(
    checkpoint: Checkpoint, pairs: FlowPairs
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    classifier = checkpoint.classifier()
    batches = torch.from_numpy(pairs.flows).split(BATCH)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        outputs = [classifier(flows) for flows in batches]
    joined = [torch.cat(values).numpy() for values in zip(*outputs, strict=True)]
    return joined[0], joined[2] if len(joined) > 2 else None


def compare(before: Scored, after: Scored) -> list[str]:
    """Return lines with the differences of UF1 and UAR on the data sets that both are scored on."""
    lines = []
    for name in ("maps", "pairs"):
        counts = getattr(before, name), getattr(after, name)
        if not counts[1].any():
            continue
        for measure in (uf1, uar):
            difference = float(measure(counts[1].sum(0)) - measure(counts[0].sum(0)))
            low, high = paired_interval(counts[:1], counts[1:], measure)
            lines.append(
                f"{name:<6}{measure.__name__.upper()} {difference:+.3f} [{low:+.3f}, {high:+.3f}]"
            )
    return lines


def append(path: Path, name: str, seed: object, row: dict[str, float]) -> None:
    """Add a line to the log of scored configurations."""
    columns = [
        "configuration", "seed", "maps_uf1", "maps_uar", "maps_ece", "pairs_uf1", "pairs_uar",
        "pairs_certain_uf1", "pairs_certain_uar", "pairs_ece", "expressive_auc",
    ]  # fmt: skip
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if new:
            writer.writeheader()
        figures = {key: f"{value:.3f}" for key, value in row.items()}
        writer.writerow({"configuration": name, "seed": seed} | figures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print scores and differences; return the exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m off_tanet_export.experiments.decision")
    parser.add_argument("--before", type=Path, required=True, help="weights to compare with")
    parser.add_argument("--after", type=Path, nargs="*", default=[], help="other weights")
    parser.add_argument("--maps", type=Path, required=True, help=".npz of flow maps")
    parser.add_argument("--pairs", type=Path, required=True, help=".npz of flows of real clips")
    parser.add_argument("--log", type=Path, help="the .csv to which each is appended")
    parser.add_argument("--name", default="", help="the configuration's name in the log")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    maps, pairs = load_labelled([args.maps]), load_pairs(args.pairs)
    before = score(load(args.before), maps, pairs)
    print("before", _figures(before.row))
    _print_coverage(before)
    for path in args.after:
        checkpoint = load(path)
        after = score(checkpoint, maps, pairs)
        print(path.name, _figures(after.row))
        print("\n".join(compare(before, after)), flush=True)
        _print_coverage(after)
        if args.log:
            append(args.log, args.name, checkpoint.card.training.get("seed", ""), after.row)
    return 0


def _figures(row: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in row.items())


def _print_coverage(scored: Scored) -> None:
    print("coverage  ", *(f"{share:6.1f}" for share in COVERAGES))
    for name, curve in zip(("maps", "pairs"), scored.coverage, strict=True):
        print(f"{name:<10}", *(f"{value:6.3f}" for value in curve))


if __name__ == "__main__":
    sys.exit(main())
