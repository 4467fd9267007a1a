"""The options of the commands that train, evaluate and export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from off_tanet_export.network.blocks import BLOCKS
from off_tanet_export.synthesis.action_units import ACTION_UNITS
from off_tanet_export.training.train import COMPARED, SOURCES, Precision, Training


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


def _add_variant_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--variant", choices=tuple(BLOCKS), default="triplet",
        help="last block of the network; triplet is Off-TANet's, the others are for comparison",
    )  # fmt: skip
