"""`off-tanet train`, `evaluate`, `export` and the others that need PyTorch."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
from off_tanet.cli.training import COMMANDS
from off_tanet.types import CLASSES

from off_tanet_export import options
from off_tanet_export.datasets.casme import load_frames
from off_tanet_export.datasets.flow_maps import FlowMaps, joined, load_maps
from off_tanet_export.errors import (
    CheckpointError,
    ModelExportError,
    OptionError,
    TrainingError,
)
from off_tanet_export.evaluation.metrics import reliability
from off_tanet_export.evaluation.plots import heat_png, write, write_plots
from off_tanet_export.evaluation.protocols import Runs, leave_one_subject_out, residual_linear
from off_tanet_export.evaluation.report import (
    fixed_report,
    loso_report,
    readings_table,
    shares_table,
    table,
)
from off_tanet_export.experiments.ablation import ablated, ablation_table
from off_tanet_export.experiments.attention_analysis import heat_maps, motions, readings, shares
from off_tanet_export.experiments.comparison import compared
from off_tanet_export.experiments.sensitivity import PICTURE_SIZE, curve, read_face
from off_tanet_export.export import export
from off_tanet_export.network.checkpoint import Checkpoint, load, save
from off_tanet_export.synthesis.samples import portrait
from off_tanet_export.training.calibration import calibrated
from off_tanet_export.training.fine_tuning import FineTuneConfig, scratch
from off_tanet_export.training.train import Training, train


class Parser(argparse.ArgumentParser):
    """Ends with one line, as all of `off-tanet`, where argparse would print the usage, too."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str]) -> int:
    """Run one command; 2 and one line on standard error where its input is at fault."""
    try:
        told = parser().parse_args(arguments)
        told.run(told)
    except (ModelExportError, OSError) as error:
        print(f"off-tanet: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except SystemExit as shown:  # by --help
        return int(shown.code or 0)
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = Parser(prog="off-tanet")
    commands = root.add_subparsers(required=True)
    for tell, run in (
        (options.train, run_train),
        (options.calibrate, run_calibrate),
        (options.evaluate, run_evaluate),
        (options.export, run_export),
        (options.compare, run_compare),
        (options.ablate, run_ablate),
        (options.amplitudes, run_amplitudes),
        (options.attention, run_attention),
    ):
        name = tell.__name__
        command = commands.add_parser(name, description=COMMANDS[name])
        tell(command)
        command.set_defaults(run=run)
    return root


def run_compare(told: argparse.Namespace) -> None:
    training = Training(pairs=told.pairs, samples=told.samples, precision=told.precision)
    for line in compared(training, load_maps(told.maps), told.seeds, told.sources):
        print(line, flush=True)


def run_ablate(told: argparse.Namespace) -> None:
    data = load_maps(told.maps)
    told.output.mkdir(parents=True, exist_ok=True)
    training = Training(pairs=told.pairs, samples=told.samples, precision=told.precision)
    print(ablation_table(ablated(training, told.seeds, told.output), data))


def run_train(told: argparse.Namespace) -> None:
    if not told.output.parent.is_dir():
        raise TrainingError(f"the folder {told.output.parent} is not there")
    training = Training(
        seed=told.seed,
        variant=told.variant,
        source=told.source,
        pairs=told.pairs,
        samples=told.samples,
        precision=told.precision,
    )
    with logged(told.output.with_suffix(".log")):
        save(calibrated(train(training)), told.output)


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """What training tells, in a file: a line for each thing, with the time before it."""
    logger, handler = logging.getLogger("off_tanet_export"), logging.FileHandler(path, "w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def run_calibrate(told: argparse.Namespace) -> None:
    save(calibrated(load(told.checkpoint)), told.checkpoint)


def run_amplitudes(told: argparse.Namespace) -> None:
    faces = [read_face(path) for path in told.faces] or [portrait(PICTURE_SIZE)]
    measured = curve(load(told.checkpoint), faces, told.repeats)
    for amplitude, share in measured.items():
        print(f"{amplitude:.1f} px{share:>8.3f}")


def run_attention(told: argparse.Namespace) -> None:
    variants: dict[str, list[Checkpoint]] = {}
    for path in told.checkpoints:
        checkpoint = load(path)
        variants.setdefault(checkpoint.network.variant, []).append(checkpoint)
    flows = motions(told.units)
    heats = {unit: heat_maps(variants, unit, flow) for unit, flow in flows.items()}
    print(readings_table({name: readings(ones, flows) for name, ones in variants.items()}))
    print()
    print(shares_table({unit: shares(unit, row) for unit, row in heats.items()}))
    if told.plots:
        write(told.plots, "attention", heat_png(heats))


def run_evaluate(told: argparse.Namespace) -> None:
    check(told)
    checkpoints = [load(path) for path in told.checkpoints]
    data = joined([read_maps(path, told.cropped) for path in told.maps])
    if told.protocol == "fixed":
        report, runs = fixed_report(checkpoints, data)
    else:
        runs = loso_runs(told, checkpoints, data)
        report = loso_report(data, runs)
    if told.record:
        recorded = {**checkpoints[0].card.scores, told.maps[0].stem: report["scores"]}
        card = replace(checkpoints[0].card, scores=recorded)
        save(replace(checkpoints[0], card=card), told.checkpoints[0])
    if told.plots:
        answers = reliability(np.tile(data.labels, len(runs)), runs.reshape(-1, len(CLASSES)))
        write_plots(told.plots, report["scores"]["confusion"], answers)
    print(json.dumps(report, indent=2) if told.json else table(report))


def check(told: argparse.Namespace) -> None:
    """Raises `CheckpointError` where the options of `evaluate` do not go together."""
    if told.protocol == "fixed" and not told.checkpoints:
        raise CheckpointError("the protocol fixed needs a --checkpoint")
    if told.protocol == "loso" and told.record:
        raise CheckpointError("scores of the protocol loso are no checkpoint's own")
    if len(told.checkpoints) > 1 and told.record:
        raise CheckpointError("scores are recorded in one checkpoint alone")
    if told.part == options.RESIDUAL_LINEAR and not told.checkpoints:
        raise CheckpointError(f"--part {options.RESIDUAL_LINEAR} needs a network: --from")


def loso_runs(told: argparse.Namespace, checkpoints: list[Checkpoint], data: FlowMaps) -> Runs:
    """From several starts, one run each; else one for each seed."""
    if told.part == options.RESIDUAL_LINEAR:
        return residual_linear(data, checkpoints)
    starts = checkpoints or [scratch(seed, told.variant) for seed in range(told.seeds)]
    fitting = FineTuneConfig(
        told.epochs,
        told.choose_epoch,
        told.part,
        learning_rate=told.learning_rate,
        interpolation=told.interpolation,
    )
    return leave_one_subject_out(
        data, fitting, starts * told.seeds if len(checkpoints) == 1 else starts
    )


def run_export(told: argparse.Namespace) -> None:
    export(told.checkpoint, told.output)


def read_maps(path: Path, cropped: bool) -> FlowMaps:
    return load_frames(path, cropped=cropped) if path.suffix == ".csv" else load_maps(path)
