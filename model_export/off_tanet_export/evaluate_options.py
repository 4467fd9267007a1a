"""The options of the command `evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from off_tanet import cpu

from off_tanet_export.network.blocks import BLOCKS
from off_tanet_export.training.recipes import RESIDUAL_LINEAR, SHIPPED, Part
from off_tanet_export.training.train import Precision

PROTOCOLS = ("fixed", "loso", "kfold", "cross", "paper")


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
        "group of people, cross trains on one database and tests on another, paper is Off-TANet's "
        "with all variants",
    )  # fmt: skip
    command.add_argument(
        "--checkpoint", "--from", type=Path, nargs="+", default=[], dest="checkpoints",
        help=f"weights to score, one file for each seed, or {SHIPPED}; else, weights to start from",
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
    _add_recipe_options(group)


def _add_recipe_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--recipe",
        choices=("default", "paper"),
        default="default",
        help="default: as `train` with these data; paper: that of Off-TANet's paper, on raw flow; "
        "the next options change it",
    )
    group.add_argument("--epochs", type=int, help="epochs in each fold")
    group.add_argument(
        "--choose-epoch", action="store_true",
        help="choose the number, up to --epochs, on a fifth of the fold's training subjects",
    )  # fmt: skip
    group.add_argument("--learning-rate", type=float, help="initial rate")
    group.add_argument(
        "--precision", choices=get_args(Precision), default="float32",
        help="precision of matrix products; bfloat16 takes less time",
    )  # fmt: skip
    group.add_argument(
        "--interpolation", type=float,
        help="share of the start's weights in the final weights, in [0, 1)",
    )  # fmt: skip
    group.add_argument(
        "--variant", choices=tuple(BLOCKS),
        help="last block of a network without a start; triplet, the default, is Off-TANet's; for "
        "paper, the only one of the table",
    )  # fmt: skip
    group.add_argument(
        "--part", choices=(*get_args(Part), RESIDUAL_LINEAR),
        help="what is trained; default: the head of existing weights, all of random ones; "
        f"{RESIDUAL_LINEAR}: a linear model of the network's residual",
    )  # fmt: skip


def _add_output_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--predictions",
        type=Path,
        metavar="CSV",
        help="write the predictions of all clips; for paper, a file for each variant",
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
