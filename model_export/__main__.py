"""`python -m model_export train | evaluate | export` and others: from nothing to a model."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from model_export.ablation import ablated, ablation_table
from model_export.action_units import ACTION_UNITS
from model_export.amplitudes import PICTURE_SIZE, curve, read_face
from model_export.blocks import BLOCKS
from model_export.calibration import calibrated
from model_export.checkpoint import Checkpoint, load, save
from model_export.comparison import compared
from model_export.datasets import FlowMaps, joined, load_maps
from model_export.errors import CheckpointError, ModelExportError, TrainingError
from model_export.export import export
from model_export.fitting import Fitting, Part, scratch
from model_export.metrics import reliability
from model_export.plots import heat_png, write, write_plots
from model_export.protocols import Runs, leave_one_subject_out, linear_beside
from model_export.readings import heat_maps, motions, readings, shares
from model_export.recordings import load_frames
from model_export.report import (
    fixed_report,
    loso_report,
    readings_table,
    shares_table,
    table,
)
from model_export.samples import portrait
from model_export.training import Precision, Source, Training, train
from service.recognition.types import CLASSES

BESIDE = "beside"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 2 and one line on standard error where its input is at fault."""
    options = parser().parse_args(arguments)
    try:
        options.command(options)
    except (ModelExportError, OSError) as error:
        print(f"model_export: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(prog="model_export", description=__doc__)
    commands = root.add_subparsers(required=True)

    defaults = Training()
    training = commands.add_parser("train", help="train on synthetic motion")
    training.add_argument("--output", type=Path, required=True, help="the .safetensors to write")
    training.add_argument("--seed", type=int, default=defaults.seed)
    training.add_argument("--source", choices=get_args(Source), default=defaults.source)
    training_options(training)
    variant_option(training)
    training.set_defaults(command=run_train)

    comparing = commands.add_parser(
        "compare", help="train on each source, and on both, and score them on real maps"
    )
    comparing.add_argument("--maps", type=Path, required=True, help=".npz of flow maps")
    comparing.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, 2 ...")
    training_options(comparing)
    comparing.set_defaults(command=run_compare)

    ablating = commands.add_parser(
        "ablate", help="train every last block on the same faces, and score them on real maps"
    )
    ablating.add_argument("--maps", type=Path, required=True, help=".npz of flow maps")
    ablating.add_argument("--output", type=Path, required=True, help="a folder for the weights")
    ablating.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    training_options(ablating)
    ablating.set_defaults(command=run_ablate)

    evaluation = commands.add_parser("evaluate", help="score labelled clips")
    evaluation_options(evaluation)
    evaluation.set_defaults(command=run_evaluate)

    calibration = commands.add_parser(
        "calibrate", help="fit the temperature on synthetic motion; train does it by itself"
    )
    calibration.add_argument("--checkpoint", type=Path, required=True, help="changed in place")
    calibration.set_defaults(command=run_calibrate)

    amplitudes = commands.add_parser(
        "amplitudes", help="from frames to labels: the share that is right against motion"
    )
    amplitudes.add_argument("--checkpoint", type=Path, required=True)
    amplitudes.add_argument(
        "--faces", type=Path, nargs="*", default=[], help="pictures or clips beside the portrait"
    )
    amplitudes.add_argument("--repeats", type=int, default=8, help="expressions of each class")
    amplitudes.set_defaults(command=run_amplitudes)

    reading = commands.add_parser(
        "attention", help="read attention by action units and by sparseness, for each variant"
    )
    reading.add_argument(
        "--checkpoints", type=Path, nargs="+", required=True, help="any variants, any seeds of each"
    )
    reading.add_argument(
        "--units", choices=tuple(ACTION_UNITS), nargs="+", default=tuple(ACTION_UNITS),
        metavar="AU", help="those that move, each alone; all where none is named",
    )  # fmt: skip
    reading.add_argument("--plots", type=Path, help="a folder for the picture")
    reading.set_defaults(command=run_attention)

    exporting = commands.add_parser("export", help="write the ONNX file that the service opens")
    exporting.add_argument("--checkpoint", type=Path, required=True, help=".safetensors or .pth")
    exporting.add_argument("--output", type=Path, required=True, help="the .onnx to write")
    exporting.set_defaults(command=lambda options: export(options.checkpoint, options.output))
    return root


def training_options(command: argparse.ArgumentParser) -> None:
    """The size of a run, and how exactly it computes."""
    defaults = Training()
    command.add_argument("--pairs", type=int, default=defaults.pairs, help="drawn in all")
    command.add_argument("--samples", type=int, default=defaults.samples, help="seen in all")
    command.add_argument("--precision", choices=get_args(Precision), default=defaults.precision)


def run_compare(options: argparse.Namespace) -> None:
    training = Training(pairs=options.pairs, samples=options.samples, precision=options.precision)
    for line in compared(training, load_maps(options.maps), options.seeds):
        print(line, flush=True)


def run_ablate(options: argparse.Namespace) -> None:
    data = load_maps(options.maps)
    options.output.mkdir(parents=True, exist_ok=True)
    training = Training(pairs=options.pairs, samples=options.samples, precision=options.precision)
    print(ablation_table(ablated(training, options.seeds, options.output), data))


def variant_option(command: argparse._ActionsContainer) -> None:
    command.add_argument(
        "--variant", choices=tuple(BLOCKS), default="triplet",
        help="the network's last block; all but triplet are there to be compared with it",
    )  # fmt: skip


def run_train(options: argparse.Namespace) -> None:
    if not options.output.parent.is_dir():
        raise TrainingError(f"the folder {options.output.parent} is not there")
    training = Training(
        seed=options.seed,
        variant=options.variant,
        source=options.source,
        pairs=options.pairs,
        samples=options.samples,
        precision=options.precision,
    )
    with logged(options.output.with_suffix(".log")):
        save(calibrated(train(training)), options.output)


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """What training tells, in a file: a line for each thing, with the time before it."""
    logger, handler = logging.getLogger("model_export"), logging.FileHandler(path, "w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def run_calibrate(options: argparse.Namespace) -> None:
    save(calibrated(load(options.checkpoint)), options.checkpoint)


def run_amplitudes(options: argparse.Namespace) -> None:
    faces = [portrait(PICTURE_SIZE), *(read_face(path) for path in options.faces)]
    measured = curve(load(options.checkpoint), faces, options.repeats)
    for amplitude, share in measured.items():
        print(f"{amplitude:.1f} px{share:>8.3f}")


def run_attention(options: argparse.Namespace) -> None:
    variants: dict[str, list[Checkpoint]] = {}
    for path in options.checkpoints:
        checkpoint = load(path)
        variants.setdefault(checkpoint.network.variant, []).append(checkpoint)
    flows = motions(options.units)
    heats = {unit: heat_maps(variants, unit, flow) for unit, flow in flows.items()}
    print(readings_table({name: readings(ones, flows) for name, ones in variants.items()}))
    print()
    print(shares_table({unit: shares(unit, row) for unit, row in heats.items()}))
    if options.plots:
        write(options.plots, "attention", heat_png(heats))


def evaluation_options(evaluation: argparse.ArgumentParser) -> None:
    """What `evaluate` scores, how, and what it writes."""
    evaluation.add_argument(
        "--maps", type=Path, nargs="+", required=True,
        help=".npz of flow maps, or a .csv of clips beside the folders of their frames",
    )  # fmt: skip
    evaluation.add_argument("--cropped", action="store_true", help="frames are tight face crops")
    evaluation.add_argument("--protocol", choices=("fixed", "loso"), default="fixed")
    evaluation.add_argument(
        "--checkpoint", "--from", type=Path, nargs="+", default=[], dest="checkpoints",
        help="the weights to score, several for several seeds; for loso, those to start from",
    )  # fmt: skip
    fitting = Fitting()
    loso = evaluation.add_argument_group("loso: trains on all subjects but the one it scores")
    loso.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, 2 ...")
    loso.add_argument("--epochs", type=int, default=fitting.epochs, help="in each fold")
    loso.add_argument(
        "--choose-epoch", action="store_true",
        help="choose it, up to --epochs, on a fifth of the fold's training subjects",
    )  # fmt: skip
    variant_option(loso)
    loso.add_argument(
        "--part", choices=(*get_args(Part), BESIDE), default=fitting.part,
        help=f"what learns; {BESIDE}: a linear model beside the network, which stays as it is",
    )  # fmt: skip
    evaluation.add_argument("--json", action="store_true", help="print JSON")
    evaluation.add_argument("--plots", type=Path, help="a folder for confusion and reliability")
    evaluation.add_argument(
        "--record", action="store_true", help="write the scores into the checkpoint's card"
    )


def run_evaluate(options: argparse.Namespace) -> None:
    checkpoints = [load(path) for path in options.checkpoints]
    if options.protocol == "fixed" and not checkpoints:
        raise CheckpointError("the protocol fixed needs a --checkpoint")
    if len(checkpoints) > 1 and options.record:
        raise CheckpointError("scores are recorded in one checkpoint alone")
    if options.protocol == "loso" and options.record:
        raise CheckpointError("scores of the protocol loso are no checkpoint's own")
    data = joined([read_maps(path, options.cropped) for path in options.maps])
    if options.protocol == "fixed":
        report, runs = fixed_report(checkpoints, data)
    else:
        runs = loso_runs(options, checkpoints, data)
        report = loso_report(data, runs)
    if options.record:
        recorded = {**checkpoints[0].card.scores, options.maps[0].stem: report["scores"]}
        card = replace(checkpoints[0].card, scores=recorded)
        save(replace(checkpoints[0], card=card), options.checkpoints[0])
    if options.plots:
        answers = reliability(np.tile(data.labels, len(runs)), runs.reshape(-1, len(CLASSES)))
        write_plots(options.plots, report["scores"]["confusion"], answers)
    print(json.dumps(report, indent=2) if options.json else table(report))


def loso_runs(options: argparse.Namespace, checkpoints: list[Checkpoint], data: FlowMaps) -> Runs:
    """From several starts, one run each; else one for each seed."""
    if options.part == BESIDE:
        if not checkpoints:
            raise CheckpointError(f"--part {BESIDE} needs a network: --from")
        return linear_beside(data, checkpoints)
    starts = checkpoints or [scratch(seed, options.variant) for seed in range(options.seeds)]
    fitting = Fitting(options.epochs, options.choose_epoch, options.part)
    return leave_one_subject_out(
        data, fitting, starts * options.seeds if len(checkpoints) == 1 else starts
    )


def read_maps(path: Path, cropped: bool) -> FlowMaps:
    return load_frames(path, cropped=cropped) if path.suffix == ".csv" else load_maps(path)


if __name__ == "__main__":
    sys.exit(main())
