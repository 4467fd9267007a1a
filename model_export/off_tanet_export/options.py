"""What each command that trains, evaluates or exports can be told."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from off_tanet_export.network.blocks import BLOCKS
from off_tanet_export.synthesis.action_units import ACTION_UNITS
from off_tanet_export.training.fine_tuning import FineTuneConfig, Part
from off_tanet_export.training.train import SOURCES, Precision, Training

RESIDUAL_LINEAR = "residual-linear"
"""The part that is none of the network's: a linear model of what the network leaves over."""


def train(command: argparse.ArgumentParser) -> None:
    defaults = Training()
    command.add_argument("--output", type=Path, required=True, help="the .safetensors to write")
    command.add_argument("--seed", type=int, default=defaults.seed)
    command.add_argument("--source", choices=SOURCES, default=defaults.source)
    _budget(command)
    _variant(command)


def compare(command: argparse.ArgumentParser) -> None:
    command.add_argument("--maps", type=Path, required=True, help=".npz of flow maps")
    command.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, 2 ...")
    command.add_argument("--sources", choices=SOURCES, nargs="+", default=SOURCES)
    _budget(command)


def ablate(command: argparse.ArgumentParser) -> None:
    command.add_argument("--maps", type=Path, required=True, help=".npz of flow maps")
    command.add_argument("--output", type=Path, required=True, help="a folder for the weights")
    command.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    _budget(command)


def evaluate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--maps", type=Path, nargs="+", required=True,
        help=".npz of flow maps, or a .csv of clips beside the folders of their frames",
    )  # fmt: skip
    command.add_argument("--cropped", action="store_true", help="frames are tight face crops")
    command.add_argument("--protocol", choices=("fixed", "loso"), default="fixed")
    command.add_argument(
        "--checkpoint", "--from", type=Path, nargs="+", default=[], dest="checkpoints",
        help="the weights to score, several for several seeds; for loso, those to start from",
    )  # fmt: skip
    _leave_one_subject_out(command)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--plots", type=Path, help="a folder for confusion and reliability")
    command.add_argument(
        "--record", action="store_true", help="write the scores into the checkpoint's card"
    )


def _leave_one_subject_out(command: argparse.ArgumentParser) -> None:
    fitting = FineTuneConfig()
    loso = command.add_argument_group("loso: trains on all subjects but the one it scores")
    loso.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, 2 ...")
    loso.add_argument("--epochs", type=int, default=fitting.epochs, help="in each fold")
    loso.add_argument(
        "--choose-epoch", action="store_true",
        help="choose it, up to --epochs, on a fifth of the fold's training subjects",
    )  # fmt: skip
    loso.add_argument("--learning-rate", type=float, default=fitting.learning_rate)
    loso.add_argument(
        "--interpolation", type=float, default=fitting.interpolation,
        help="share of the start in the weights at the end, below 1",
    )  # fmt: skip
    _variant(loso)
    loso.add_argument(
        "--part", choices=(*get_args(Part), RESIDUAL_LINEAR), default=fitting.part,
        help=f"what learns; {RESIDUAL_LINEAR}: a linear model of what the network leaves over",
    )  # fmt: skip


def calibrate(command: argparse.ArgumentParser) -> None:
    command.add_argument("--checkpoint", type=Path, required=True, help="changed in place")


def amplitudes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--checkpoint", type=Path, required=True)
    command.add_argument(
        "--faces",
        type=Path,
        nargs="*",
        default=[],
        help="pictures or clips instead of the portrait, which training may have seen",
    )
    command.add_argument("--repeats", type=int, default=8, help="expressions of each class")


def attention(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--checkpoints", type=Path, nargs="+", required=True, help="any variants, any seeds of each"
    )
    command.add_argument(
        "--units", choices=tuple(ACTION_UNITS), nargs="+", default=tuple(ACTION_UNITS),
        metavar="AU", help="those that move, each alone; all where none is named",
    )  # fmt: skip
    command.add_argument("--plots", type=Path, help="a folder for the picture")


def export(command: argparse.ArgumentParser) -> None:
    command.add_argument("--checkpoint", type=Path, required=True, help=".safetensors or .pth")
    command.add_argument("--output", type=Path, required=True, help="the .onnx to write")


def _budget(command: argparse.ArgumentParser) -> None:
    """The size of a run, and how exactly it computes."""
    defaults = Training()
    command.add_argument("--pairs", type=int, default=defaults.pairs, help="drawn in all")
    command.add_argument("--samples", type=int, default=defaults.samples, help="seen in all")
    command.add_argument("--precision", choices=get_args(Precision), default=defaults.precision)


def _variant(command: argparse._ActionsContainer) -> None:
    command.add_argument(
        "--variant", choices=tuple(BLOCKS), default="triplet",
        help="the network's last block; all but triplet are there to be compared with it",
    )  # fmt: skip
