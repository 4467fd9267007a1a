"""The command `evaluate`: scores of weights, or of a training, on labelled clips."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from off_tanet_export.checkpoint import Checkpoint, load, save
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.loading import load_labelled
from off_tanet_export.datasets.people import database_name
from off_tanet_export.errors import CheckpointError, MapsError, OptionError
from off_tanet_export.evaluation.comparing import compare, comparison_table
from off_tanet_export.evaluation.folds import (
    Fold,
    across_databases,
    by_people,
    leave_one_subject_out,
    shared_recordings,
)
from off_tanet_export.evaluation.learners import FineTuning, Learner, ResidualLinear
from off_tanet_export.evaluation.paper import differences, paper_report, paper_table
from off_tanet_export.evaluation.plots import write_plots
from off_tanet_export.evaluation.predictions import (
    Predictions,
    read_predictions,
    write_predictions,
)
from off_tanet_export.evaluation.report import Report, fixed_report, table, trained_report
from off_tanet_export.evaluation.results import Results, configuration
from off_tanet_export.evaluation.running import run_folds
from off_tanet_export.graph import PUBLISHED
from off_tanet_export.metrics import reliability
from off_tanet_export.network.blocks import BLOCKS, Variant
from off_tanet_export.shipped import load_shipped
from off_tanet_export.training.final import with_classes
from off_tanet_export.training.fine_tuning import initialize
from off_tanet_export.training.recipes import (
    PAPER,
    RESIDUAL_LINEAR,
    SHIPPED,
    FineTuneConfig,
    Part,
    recipe,
)


def run_evaluate(args: argparse.Namespace) -> None:
    """Run `evaluate`.

    Raises:
        OptionError: Options do not fit together.
        CheckpointError: The weights cannot be used with these data or options.
        MapsError: The data cannot be read.
        TrainingError: The training is not possible.
    """
    if args.compare:
        comparison = compare(*map(read_predictions, args.compare))
        print(json.dumps(comparison, indent=2) if args.json else comparison_table(comparison))
        return
    _check_options(args)
    checkpoints = [
        load_shipped() if str(path) == SHIPPED else load(path) for path in args.checkpoints
    ]
    data = load_labelled(
        args.data, cropped=args.cropped, skip_unusable=args.skip_unusable, classes=None
    )
    if lines := [*_known_people(checkpoints, data)]:
        if args.record:
            raise CheckpointError(f"--record: {lines[0]}")
        print(*(f"{line}: the scores are too high" for line in lines), sep="\n", file=sys.stderr)
    if args.protocol != "fixed":
        for line in shared_recordings(data):
            print(f"{line}: the scores would be too high", file=sys.stderr)
    if args.protocol == "paper":
        report = _evaluate_paper(args, data)
        print(json.dumps(report, indent=2) if args.json else paper_table(report))
        return
    report, predictions = _evaluate(args, checkpoints, data)
    if args.record:
        _record(args, checkpoints[0], report)
    if args.predictions:
        write_predictions(predictions, args.predictions)
    if args.plots:
        bins = reliability(predictions.truth, predictions.probabilities)
        write_plots(args.plots, report["scores"]["confusion"], bins)
    print(json.dumps(report, indent=2) if args.json else table(report))


def _known_people(checkpoints: Iterable[Checkpoint], data: FlowMaps) -> Iterator[str]:
    """Describe weights that were trained on a database of the data."""
    databases = {database_name(name) for name in set(data.datasets)}
    for card in (checkpoint.card for checkpoint in checkpoints):
        if known := sorted(databases & set(map(database_name, card.databases))):
            yield f"{card.name} {card.version} was trained on recordings of {', '.join(known)}"


def _check_options(args: argparse.Namespace) -> None:
    fixed_weights = args.protocol == "fixed"
    if not args.data:
        raise OptionError("evaluate needs --data")
    if fixed_weights and not args.checkpoints:
        raise CheckpointError("--protocol fixed needs a --checkpoint")
    if not fixed_weights and args.record:
        raise CheckpointError("--record needs --protocol fixed")
    if args.record and SHIPPED in map(str, args.checkpoints):
        raise OptionError("--record writes into a file: name it")
    if len(args.checkpoints) > 1 and args.record:
        raise CheckpointError("--record needs exactly one checkpoint")
    if args.part == RESIDUAL_LINEAR and not args.checkpoints:
        raise CheckpointError(f"--part {RESIDUAL_LINEAR} needs a network: use --from")
    if args.variant and args.checkpoints:
        raise OptionError("--variant is for networks without a start: --from has its own")
    if args.results and fixed_weights:
        raise OptionError("--results is for protocols that train")
    if args.plots and args.protocol in ("cross", "paper"):
        raise OptionError(f"--plots needs one result, and --protocol {args.protocol} has several")
    if args.protocol == "paper" and args.checkpoints:
        raise OptionError("--protocol paper trains from nothing, without --from")
    for name in ("seeds", "processes"):
        if getattr(args, name) < 1:
            raise OptionError(f"--{name} must be at least 1")
    if args.predictions and not args.predictions.parent.is_dir():
        raise MapsError(f"the folder {args.predictions.parent} does not exist")


def _evaluate(
    args: argparse.Namespace, checkpoints: Sequence[Checkpoint], data: FlowMaps
) -> tuple[Report, Predictions]:
    if args.protocol == "fixed":
        return fixed_report(checkpoints, data)
    folds = _folds(args, data)
    predictions = _train(args, data, folds, _learner(args, checkpoints, data), args.results)
    return trained_report(args.protocol, data, folds, predictions), predictions


def _evaluate_paper(args: argparse.Namespace, data: FlowMaps) -> Report:
    """Train each variant by the recipe of the paper, leaving one person out at a time."""
    for line in differences(data):
        print(f"not as in the paper: {line}", file=sys.stderr)
    folds = leave_one_subject_out(data)
    variants: Sequence[Variant] = [args.variant] if args.variant else list(BLOCKS)
    found = {}
    for variant in variants:
        print(variant, file=sys.stderr)
        chosen = argparse.Namespace(**{**vars(args), "recipe": "paper", "variant": variant})
        results = args.results / variant if args.results else None
        found[variant] = _train(args, data, folds, _learner(chosen, [], data), results)
        if args.predictions:
            path: Path = args.predictions
            write_predictions(found[variant], path.with_stem(f"{path.stem}_{variant}"))
    return paper_report(data, found)


def _train(
    args: argparse.Namespace,
    data: FlowMaps,
    folds: Sequence[Fold],
    learner: Learner,
    results: Path | None,
) -> Predictions:
    kept = None
    if results:
        kept = Results.open(results, configuration(data, folds, learner.about()))
    return run_folds(learner, data, folds, kept, args.processes)


def _folds(args: argparse.Namespace, data: FlowMaps) -> list[Fold]:
    if args.protocol == "kfold":
        return by_people(data, args.folds)
    return across_databases(data) if args.protocol == "cross" else leave_one_subject_out(data)


def _learner(
    args: argparse.Namespace, checkpoints: Sequence[Checkpoint], data: FlowMaps
) -> Learner:
    """Return what runs once from each of several checkpoints, else once for each seed."""
    if args.part == RESIDUAL_LINEAR:
        return ResidualLinear(checkpoints)
    if not checkpoints:
        variant: Variant = args.variant or "triplet"
        maps = PUBLISHED if args.recipe == "paper" else None
        starts = [initialize(seed, variant, data.classes, maps) for seed in range(args.seeds)]
        return FineTuning(starts, _recipe(args, random=True, known=True))
    known = all(start.card.classes == data.classes for start in checkpoints)
    each = [*checkpoints] * args.seeds if len(checkpoints) == 1 else checkpoints
    starts = [with_classes(start, data.classes, seed) for seed, start in enumerate(each)]
    return FineTuning(starts, _recipe(args, random=False, known=known))


def _recipe(args: argparse.Namespace, *, random: bool, known: bool) -> FineTuneConfig:
    """Return how to train: as `train` does, so that the score is that of its networks."""
    part: Part = args.part or ("all" if random else "head")
    config = PAPER if args.recipe == "paper" else recipe(part, random, known)
    given = {
        "epochs": args.epochs,
        "learning_rate": args.learning_rate,
        "interpolation": args.interpolation,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    half = args.precision == "bfloat16"
    return replace(config, choose=args.choose_epoch, part=part, half=half, **changes)


def _record(args: argparse.Namespace, checkpoint: Checkpoint, report: Report) -> None:
    """Write scores into a card, under the names of all files of which they are."""
    name = " + ".join(path.stem for path in args.data)
    card = replace(checkpoint.card, scores={**checkpoint.card.scores, name: report["scores"]})
    save(replace(checkpoint, card=card), args.checkpoints[0])
