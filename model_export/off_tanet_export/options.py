"""The options of the commands that train, evaluate and export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from off_tanet_export.network.blocks import BLOCKS
from off_tanet_export.synthesis.action_units import ACTION_UNITS
from off_tanet_export.training.fine_tuning import FineTuneConfig, Part
from off_tanet_export.training.train import COMPARED, SOURCES, Precision, Training

RESIDUAL_LINEAR = "residual-linear"
"""A value of `--part`: a linear model of the network's residual. The network itself is fixed."""


def add_compare_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `compare`."""
    command.add_argument("--maps", type=Path, required=True, help=".npz of clips")
    command.add_argument(
        "--seeds", type=int, default=3, help="number of training runs for each source"
    )
    command.add_argument(
        "--sources", choices=SOURCES, nargs="+", default=COMPARED, help="the sources to compare"
    )
    _add_budget_options(command)


def add_ablate_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `ablate`."""
    command.add_argument("--maps", type=Path, required=True, help=".npz of clips")
    command.add_argument("--output", type=Path, required=True, help="folder for the weights")
    command.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of the training runs"
    )
    _add_budget_options(command)


def add_evaluate_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    command.add_argument(
        "--maps", type=Path, nargs="+", required=True,
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
        "--protocol", choices=("fixed", "loso"), default="fixed",
        help="fixed: score the checkpoints; loso: train, leaving one subject out",
    )  # fmt: skip
    command.add_argument(
        "--checkpoint", "--from", type=Path, nargs="+", default=[], dest="checkpoints",
        help="weights to score, one file for each seed; for loso, the weights to start from",
    )  # fmt: skip
    _add_loso_options(command)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--plots", type=Path, help="folder for pictures of confusion and reliability"
    )
    command.add_argument(
        "--record", action="store_true", help="write the scores into the checkpoint's card"
    )


def _add_loso_options(command: argparse.ArgumentParser) -> None:
    defaults = FineTuneConfig()
    loso = command.add_argument_group("loso", "Trains on all subjects except the scored one.")
    loso.add_argument("--seeds", type=int, default=3, help="number of runs from one start")
    loso.add_argument("--epochs", type=int, default=defaults.epochs, help="epochs in each fold")
    loso.add_argument(
        "--choose-epoch", action="store_true",
        help="choose the number, up to --epochs, on a fifth of the fold's training subjects",
    )  # fmt: skip
    loso.add_argument(
        "--learning-rate", type=float, default=defaults.learning_rate, help="initial rate"
    )
    loso.add_argument(
        "--interpolation", type=float, default=defaults.interpolation,
        help="share of the start's weights in the final weights, in [0, 1)",
    )  # fmt: skip
    _add_variant_option(loso)
    loso.add_argument(
        "--part", choices=(*get_args(Part), RESIDUAL_LINEAR), default=defaults.part,
        help=f"what is trained; {RESIDUAL_LINEAR}: a linear model of the network's residual",
    )  # fmt: skip


def add_calibrate_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `calibrate`."""
    command.add_argument(
        "--checkpoint", type=Path, required=True, help="weights; the file is changed in place"
    )


def add_sensitivity_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `sensitivity`."""
    command.add_argument("--checkpoint", type=Path, required=True, help="weights to measure")
    command.add_argument(
        "--faces", type=Path, nargs="*", default=[],
        help="pictures or clips; default: the built-in portrait, which training may have used",
    )  # fmt: skip
    command.add_argument(
        "--repeats", type=int, default=8, help="expressions of each class for each face"
    )


def add_attention_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `attention`."""
    command.add_argument(
        "--checkpoints", type=Path, nargs="+", required=True,
        help="weights of any variants, any number of seeds of each",
    )  # fmt: skip
    command.add_argument(
        "--units", choices=tuple(ACTION_UNITS), nargs="+", default=tuple(ACTION_UNITS),
        metavar="AU", help="action units to measure, each alone; default: all",
    )  # fmt: skip
    command.add_argument("--plots", type=Path, help="folder for the picture")


def add_export_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `export`."""
    command.add_argument("--checkpoint", type=Path, required=True, help=".safetensors or .pth")
    command.add_argument("--output", type=Path, required=True, help="the .onnx file to write")


def _add_budget_options(command: argparse.ArgumentParser) -> None:
    defaults = Training()
    command.add_argument(
        "--pairs", type=int, default=defaults.pairs, help="number of synthetic pairs to draw"
    )
    command.add_argument(
        "--samples", type=int, default=defaults.samples,
        help="number of training samples, crops of these pairs",
    )  # fmt: skip
    command.add_argument(
        "--precision", choices=get_args(Precision), default=defaults.precision,
        help="precision of matrix products",
    )  # fmt: skip


def _add_variant_option(command: argparse._ActionsContainer) -> None:
    command.add_argument(
        "--variant", choices=tuple(BLOCKS), default="triplet",
        help="last block of the network; triplet is Off-TANet's, the others are for comparison",
    )  # fmt: skip
