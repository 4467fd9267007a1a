"""The command `evaluate`: scores of weights, or of a training, on labelled clips."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from off_tanet import cpu

from off_tanet_export.checkpoint import Checkpoint, load, save
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.loading import load_labelled
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
from off_tanet_export.evaluation.plots import write_plots
from off_tanet_export.evaluation.predictions import (
    Predictions,
    read_predictions,
    write_predictions,
)
from off_tanet_export.evaluation.report import Report, fixed_report, table, trained_report
from off_tanet_export.evaluation.results import Results, configuration
from off_tanet_export.evaluation.running import run_folds
from off_tanet_export.graph import PUBLISHED, PreprocessingConfig
from off_tanet_export.metrics import reliability
from off_tanet_export.network.blocks import BLOCKS, Variant
from off_tanet_export.training.fine_tuning import initialize
from off_tanet_export.training.recipes import PAPER, FineTuneConfig, Part

RESIDUAL_LINEAR = "residual-linear"
"""A value of `--part`: a linear model of the network's residual. The network itself is fixed."""

RECIPES: Mapping[str, tuple[FineTuneConfig, PreprocessingConfig]] = MappingProxyType(
    {"default": (FineTuneConfig(), PreprocessingConfig()), "paper": (PAPER, PUBLISHED)}
)
"""How to train, and the maps of a network that starts from nothing."""

PROTOCOLS = ("fixed", "loso", "kfold", "cross")


def add_evaluate_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    command.add_argument(
        "--data", "--maps", type=Path, nargs="+", dest="data",
        help=".npz of `data read` or of flow maps, or a sheet of clips next to their folders",
    )  # fmt: skip
    command.add_argument(
        "--cropped", action="store_true", help="the frames are already tight face crops"
    )
    command.add_argument(
        "--skip-unusable", action="store_true",
        help="go on without clips of a sheet that cannot be used",
    )  # fmt: skip
    command.add_argument(
        "--protocol", choices=PROTOCOLS, default="fixed",
        help="fixed: score the checkpoints; the others train: loso leaves one person out, kfold a "
        "group of people, cross trains on one database and tests on another",
    )  # fmt: skip
    command.add_argument(
        "--checkpoint", "--from", type=Path, nargs="+", default=[], dest="checkpoints",
        help="weights to score, one file for each seed; else, the weights to start from",
    )  # fmt: skip
    _add_training_options(command)
    _add_output_options(command)


def _add_training_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("training", "For all protocols except fixed.")
    group.add_argument("--folds", type=int, default=5, help="number of folds of kfold")
    group.add_argument(
        "--results", type=Path, metavar="FOLDER",
        help="keep a file for each fold; the same command goes on where it was interrupted",
    )  # fmt: skip
    group.add_argument(
        "--processes", type=int, default=cpu.available(), help="folds at once; default: all cores"
    )
    group.add_argument("--seeds", type=int, default=3, help="number of runs from one start")
    group.add_argument(
        "--recipe", choices=tuple(RECIPES), default="default",
        help="paper: that of Off-TANet's paper, on raw flow; the next options change it",
    )  # fmt: skip
    group.add_argument("--epochs", type=int, help="epochs in each fold")
    group.add_argument(
        "--choose-epoch", action="store_true",
        help="choose the number, up to --epochs, on a fifth of the fold's training subjects",
    )  # fmt: skip
    group.add_argument("--learning-rate", type=float, help="initial rate")
    group.add_argument(
        "--interpolation", type=float,
        help="share of the start's weights in the final weights, in [0, 1)",
    )  # fmt: skip
    group.add_argument(
        "--variant", choices=tuple(BLOCKS),
        help="last block of a network without a start; triplet, the default, is Off-TANet's",
    )  # fmt: skip
    group.add_argument(
        "--part", choices=(*get_args(Part), RESIDUAL_LINEAR), default="all",
        help=f"what is trained; {RESIDUAL_LINEAR}: a linear model of the network's residual",
    )  # fmt: skip


def _add_output_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--predictions", type=Path, metavar="CSV", help="write the predictions of all clips"
    )
    command.add_argument(
        "--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"),
        help="compare two files of --predictions; nothing else is done",
    )  # fmt: skip
    command.add_argument(
        "--plots", type=Path, help="folder for pictures of confusion and reliability"
    )
    command.add_argument(
        "--record", action="store_true", help="write the scores into the checkpoint's card"
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
    checkpoints = [load(path) for path in args.checkpoints]
    data = load_labelled(
        args.data, cropped=args.cropped, skip_unusable=args.skip_unusable, classes=None
    )
    report, predictions = _evaluate(args, checkpoints, data)
    if args.record:
        _record(args, checkpoints[0], report)
    if args.predictions:
        write_predictions(predictions, args.predictions)
    if args.plots:
        bins = reliability(predictions.truth, predictions.probabilities)
        write_plots(args.plots, report["scores"]["confusion"], bins)
    print(json.dumps(report, indent=2) if args.json else table(report))


def _check_options(args: argparse.Namespace) -> None:
    fixed_weights = args.protocol == "fixed"
    if not args.data:
        raise OptionError("evaluate needs --data")
    if fixed_weights and not args.checkpoints:
        raise CheckpointError("--protocol fixed needs a --checkpoint")
    if not fixed_weights and args.record:
        raise CheckpointError("--record needs --protocol fixed")
    if len(args.checkpoints) > 1 and args.record:
        raise CheckpointError("--record needs exactly one checkpoint")
    if args.part == RESIDUAL_LINEAR and not args.checkpoints:
        raise CheckpointError(f"--part {RESIDUAL_LINEAR} needs a network: use --from")
    if args.variant and args.checkpoints:
        raise OptionError("--variant is for networks without a start: --from has its own")
    if args.results and fixed_weights:
        raise OptionError("--results is for protocols that train")
    if args.plots and args.protocol == "cross":
        raise OptionError("--plots needs one result, and --protocol cross has several")
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
    for line in shared_recordings(data):
        print(f"{line}: the scores would be too high", file=sys.stderr)
    folds, learner = _folds(args, data), _learner(args, checkpoints, data)
    results = None
    if args.results:
        results = Results.open(args.results, configuration(data, folds, learner.about()))
    predictions = run_folds(learner, data, folds, results, args.processes)
    return trained_report(args.protocol, data, folds, predictions), predictions


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
    config, preprocessing = _recipe(args)
    if len(checkpoints) == 1:
        return FineTuning([*checkpoints] * args.seeds, config)
    variant: Variant = args.variant or "triplet"
    starts = checkpoints or [
        initialize(seed, variant, data.classes, preprocessing) for seed in range(args.seeds)
    ]
    return FineTuning(starts, config)


def _recipe(args: argparse.Namespace) -> tuple[FineTuneConfig, PreprocessingConfig]:
    """Return how to train, and the maps of a network that starts from nothing."""
    config, preprocessing = RECIPES[args.recipe]
    given = {
        "epochs": args.epochs,
        "learning_rate": args.learning_rate,
        "interpolation": args.interpolation,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return replace(config, choose=args.choose_epoch, part=args.part, **changes), preprocessing


def _record(args: argparse.Namespace, checkpoint: Checkpoint, report: Report) -> None:
    """Write scores into a card, under the names of all files of which they are."""
    name = " + ".join(path.stem for path in args.data)
    card = replace(checkpoint.card, scores={**checkpoint.card.scores, name: report["scores"]})
    save(replace(checkpoint, card=card), args.checkpoints[0])
