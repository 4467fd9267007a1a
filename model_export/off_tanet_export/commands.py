"""The commands of `off-tanet` that need PyTorch: `train`, `evaluate`, `export` and others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NoReturn

from off_tanet.cli.training import COMMANDS

from off_tanet_export import options
from off_tanet_export.checkpoint import Checkpoint, load, save
from off_tanet_export.data_command import add_data_options, run_data
from off_tanet_export.datasets.loading import load_labelled
from off_tanet_export.errors import ModelExportError, OptionError, RowsError
from off_tanet_export.evaluate_command import run_evaluate
from off_tanet_export.evaluate_options import add_evaluate_options
from off_tanet_export.evaluation.plots import draw_heat_maps, write_png
from off_tanet_export.experiments.ablation import ablate, ablation_table
from off_tanet_export.experiments.attention_analysis import (
    analyse_attention,
    heat_maps,
    measure_motions,
    region_shares,
)
from off_tanet_export.experiments.attention_report import attention_table, region_shares_table
from off_tanet_export.experiments.comparison import compare
from off_tanet_export.experiments.sensitivity import PICTURE_SIZE, read_face, sensitivity_curve
from off_tanet_export.export import export
from off_tanet_export.spotting_command import add_spotting_options, run_spotting
from off_tanet_export.synthesis.samples import portrait
from off_tanet_export.train_command import add_train_options, run_train
from off_tanet_export.training.calibration import calibrate
from off_tanet_export.training.train import Training


class Parser(argparse.ArgumentParser):
    """A parser that reports errors in one line, without the usage that argparse prints."""

    def error(self, message: str) -> NoReturn:
        """Raise `OptionError` with the message and a pointer to `--help`."""
        raise OptionError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: The command's name and its options, without the program's name.

    Returns:
        The exit code: 0, or 2 for invalid options or input, after one line on standard error, and
        before it one for each row of a database that cannot be used.
    """
    try:
        args = build_parser().parse_args(arguments)
        args.run(args)
    except RowsError as error:
        for line in error.faults:
            print(line, file=sys.stderr)
        count = f"{len(error.faults)} of {error.total} rows"
        print(f"off-tanet: {count} cannot be used: {error.advice}", file=sys.stderr)
        return 2
    except (ModelExportError, OSError) as error:
        print(f"off-tanet: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except SystemExit as shown:  # by --help
        return int(shown.code or 0)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands and their options."""
    root = Parser(prog="off-tanet")
    commands = root.add_subparsers(required=True)
    for name, (add_options, run) in _COMMANDS.items():
        command = commands.add_parser(name, description=COMMANDS[name])
        add_options(command)
        command.set_defaults(run=run)
    return root


def _calibrate(args: argparse.Namespace) -> None:
    save(calibrate(load(args.checkpoint)), args.checkpoint)


def _compare(args: argparse.Namespace) -> None:
    training = Training(pairs=args.pairs, samples=args.samples, precision=args.precision)
    for line in compare(training, load_labelled([args.maps]), args.seeds, args.sources):
        print(line, flush=True)


def _ablate(args: argparse.Namespace) -> None:
    data = load_labelled([args.maps])
    args.output.mkdir(parents=True, exist_ok=True)
    training = Training(pairs=args.pairs, samples=args.samples, precision=args.precision)
    print(ablation_table(ablate(training, args.seeds, args.output), data))


def _sensitivity(args: argparse.Namespace) -> None:
    faces = [read_face(path) for path in args.faces] or [portrait(PICTURE_SIZE)]
    curve = sensitivity_curve(load(args.checkpoint), faces, args.repeats)
    for amplitude, share in curve.items():
        print(f"{amplitude:.1f} px{share:>8.3f}")


def _attention(args: argparse.Namespace) -> None:
    variants: dict[str, list[Checkpoint]] = {}
    for path in args.checkpoints:
        checkpoint = load(path)
        variants.setdefault(checkpoint.network.variant, []).append(checkpoint)
    flows = measure_motions(args.units)
    maps = {unit: heat_maps(variants, unit, flow) for unit, flow in flows.items()}
    measured = {name: analyse_attention(group, flows) for name, group in variants.items()}
    print(attention_table(measured))
    print()
    print(region_shares_table({unit: region_shares(unit, row) for unit, row in maps.items()}))
    if args.plots:
        write_png(args.plots, "attention", draw_heat_maps(maps))


def _export(args: argparse.Namespace) -> None:
    export(args.checkpoint, args.output)


_COMMANDS: Mapping[
    str,
    tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], None]],
] = MappingProxyType(
    {
        "data": (add_data_options, run_data),
        "train": (add_train_options, run_train),
        "calibrate": (options.add_calibrate_options, _calibrate),
        "evaluate": (add_evaluate_options, run_evaluate),
        "evaluate-spotting": (add_spotting_options, run_spotting),
        "export": (options.add_export_options, _export),
        "compare": (options.add_compare_options, _compare),
        "ablate": (options.add_ablate_options, _ablate),
        "sensitivity": (options.add_sensitivity_options, _sensitivity),
        "attention": (options.add_attention_options, _attention),
    }
)
"""Each command's name, the function that adds its options, and the function that runs it."""
