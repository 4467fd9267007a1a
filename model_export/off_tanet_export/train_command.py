"""The command `train`: on synthetic motion, or on one's own data."""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

from off_tanet_export.checkpoint import Checkpoint, load, save
from off_tanet_export.datasets.clip_flows import ClipFlows
from off_tanet_export.datasets.joining import in_order, load_training_clips
from off_tanet_export.errors import OptionError, TrainingError
from off_tanet_export.graph import PUBLISHED
from off_tanet_export.network.blocks import BLOCKS
from off_tanet_export.shipped import load_shipped
from off_tanet_export.training.calibration import calibrate
from off_tanet_export.training.cards import Naming, describe
from off_tanet_export.training.expressive import HeadTraining, add_head
from off_tanet_export.training.final import FinalTraining, train_final, with_classes
from off_tanet_export.training.fine_tuning import initialize
from off_tanet_export.training.recipes import (
    NOTHING,
    PAPER,
    RESIDUAL_LINEAR,
    SHIPPED,
    FineTuneConfig,
    Part,
    recipe,
)
from off_tanet_export.training.residual import train_residual
from off_tanet_export.training.run import state_path
from off_tanet_export.training.run_log import RunLog, log_path
from off_tanet_export.training.tensorboard import TensorBoard
from off_tanet_export.training.train import (
    LOG_COLUMNS,
    SOURCES,
    UNRELEASED,
    Device,
    Precision,
    Training,
    find_device,
    train,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SYNTHETIC = ("source", "pairs", "samples", "processes", "head_of")
_OWN = ("start", "part", "recipe", "epochs", "resume")
"""The options of each kind of training; the others are of both."""


def add_train_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `train`."""
    command.add_argument(
        "--output", type=Path, required=True, help="the .safetensors file to write"
    )
    command.add_argument("--name", help="name of the model; default: that of the output file")
    command.add_argument("--version", help=f"version of the model; default: {UNRELEASED}")
    command.add_argument(
        "--licence", help="licence of the weights; default for synthetic motion: Apache-2.0"
    )
    command.add_argument("--seed", type=int, default=0, help="seed of the random draws")
    command.add_argument(
        "--device", choices=get_args(Device), default="auto",
        help="where to train; auto: on a GPU if PyTorch finds one",
    )  # fmt: skip
    command.add_argument("--batch", type=int, help="samples in a batch")
    command.add_argument(
        "--learning-rate", type=float, help="its peak, or, with --data, where it starts"
    )
    command.add_argument(
        "--precision", choices=get_args(Precision),
        help="precision of matrix products; default: bfloat16, with --data float32",
    )  # fmt: skip
    command.add_argument(
        "--variant", choices=tuple(BLOCKS),
        help="last block of the network; triplet is Off-TANet's, the others are for comparison",
    )  # fmt: skip
    command.add_argument(
        "--tensorboard", type=Path, metavar="FOLDER",
        help="also draw the log as curves of TensorBoard (extra tensorboard)",
    )  # fmt: skip
    _add_synthetic_options(command)
    _add_own_options(command)


def _add_synthetic_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("synthetic motion", "Without --data.")
    group.add_argument("--source", choices=SOURCES, help="kind of synthetic motion")
    group.add_argument("--pairs", type=int, help="number of synthetic pairs to draw")
    group.add_argument(
        "--samples", type=int, help="number of training samples, crops of these pairs"
    )
    group.add_argument(
        "--head-of", type=Path, metavar="WEIGHTS",
        help="train only a head for the output `expressive`, on the fixed network of these weights",
    )  # fmt: skip
    group.add_argument("--processes", type=int, help="processes that render footage at once")


def _add_own_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group(
        "your own data",
        "A final model, trained on all clips; its card says what it was trained on.",
    )
    group.add_argument(
        "--data", type=Path, nargs="+", metavar="NPZ", help="files of `data read`; any classes"
    )
    group.add_argument(
        "--from", dest="start", metavar=f"{SHIPPED}|{NOTHING}|FILE",
        help="weights to start from: those of the service, random ones, or a file; default: "
        "shipped, with --recipe paper nothing",
    )  # fmt: skip
    group.add_argument(
        "--part", choices=(*get_args(Part), RESIDUAL_LINEAR),
        help="what is trained; default: the head of existing weights, all of random ones; "
        f"{RESIDUAL_LINEAR}: a linear correction of a network that stays as it is",
    )  # fmt: skip
    group.add_argument(
        "--recipe", choices=("default", "paper"),
        help="paper: as Off-TANet was published: maps of 112 x 112 in pixels, Adam, 201 epochs",
    )  # fmt: skip
    group.add_argument("--epochs", type=int, help="passes over the clips")
    group.add_argument(
        "--resume", action="store_true", default=None,
        help="go on with a run of the same output that was stopped, if there is one",
    )  # fmt: skip


def run_train(args: argparse.Namespace) -> None:
    """Run `train`.

    Raises:
        OptionError: Options do not fit together.
        ModelExportError: The data or the weights cannot be used.
    """
    if not args.output.parent.is_dir():
        raise TrainingError(f"the folder {args.output.parent} does not exist")
    own = args.data is not None
    for option in _SYNTHETIC if own else _OWN:
        if getattr(args, option) is not None:
            name = "--from" if option == "start" else f"--{option.replace('_', '-')}"
            raise OptionError(f"{name} is {'not for' if own else 'for'} training with --data")
    if own:
        _train_on_data(args)
    elif args.head_of is not None:
        _add_head(args)
    else:
        _train_on_synthetic_motion(args)


def _given(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The options that were given, by their names."""
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def _naming(args: argparse.Namespace, licence: str) -> Naming:
    name, version = args.name or args.output.stem, args.version or UNRELEASED
    for value in (name, version):
        if not _NAME.fullmatch(value):
            raise OptionError(f"letters, digits, dots, - and _ make a name or version: {value!r}")
    return Naming(name, version, licence)


def _board(args: argparse.Namespace) -> TensorBoard | None:
    return None if args.tensorboard is None else TensorBoard(args.tensorboard)


def _add_head(args: argparse.Namespace) -> None:
    """A head for `expressive` on weights whose card stays, except for what is said otherwise."""
    chosen = ("variant", "source", "pairs", "samples", "precision", "batch", "learning_rate")
    if unfit := [*_given(args, *chosen, "tensorboard")]:
        raise OptionError(f"--{unfit[0].replace('_', '-')} is not for --head-of")
    start = load(args.head_of)
    card = replace(start.card, **_given(args, "name", "version", "licence"))
    start = replace(start, card=card)
    save(add_head(start, HeadTraining(args.seed), args.processes or 1), args.output)


def _train_on_synthetic_motion(args: argparse.Namespace) -> None:
    naming = _naming(args, args.licence or "Apache-2.0")
    chosen = ("variant", "source", "pairs", "samples", "precision", "batch", "learning_rate")
    training = Training(seed=args.seed, **_given(args, *chosen))
    processes = args.processes or 1
    log = RunLog(log_path(args.output), LOG_COLUMNS, board=_board(args))
    trained = train(training, args.device, processes, log)
    card = replace(trained.card, name=naming.name, version=naming.version, licence=naming.licence)
    save(calibrate(replace(trained, card=card), processes=processes), args.output)


def _train_on_data(args: argparse.Namespace) -> None:
    if not args.licence:
        raise OptionError("--data needs a --licence: that of the data binds the weights, too")
    naming, device = _naming(args, args.licence), find_device(args.device)
    source = args.start or (NOTHING if args.recipe == "paper" else SHIPPED)
    clips = load_training_clips(args.data)
    start = _start(args, source, clips.classes)
    known = set(clips.classes) == set(start.card.classes)
    if known:
        clips = in_order(clips, start.card.classes)
    if args.part == RESIDUAL_LINEAR:
        trained, used = _correct(args, start, clips, known), {"name": RESIDUAL_LINEAR}
    else:
        config = _config(args, source, known)
        training = FinalTraining(config, args.seed, device, bool(args.resume), _board(args))
        fitted = with_classes(start, clips.classes, args.seed)
        trained = train_final(fitted, clips, training, args.output)
        used = {"name": args.recipe or "default", **asdict(config)}
    origin = None if source == NOTHING else start.card
    card = describe(naming, clips, origin, used, args.seed)
    if trained.expressive is not None:  # unchanged, and trained as its start says
        head = {"expressive": start.card.training.get("expressive")}
        card = replace(card, training={**card.training, **head})
    save(replace(trained, card=card), args.output)
    state_path(args.output).unlink(missing_ok=True)
    print(f"{card.name} {card.version}: {card.training_data}")


def _correct(
    args: argparse.Namespace, start: Checkpoint, clips: ClipFlows, known: bool
) -> Checkpoint:
    """A linear correction of fixed weights, which has nothing to choose."""
    others = ("recipe", "epochs", "batch", "learning_rate", "precision", "resume", "tensorboard")
    if unfit := [*_given(args, *others)]:
        raise OptionError(f"--{unfit[0].replace('_', '-')} is not for --part {RESIDUAL_LINEAR}")
    if args.start == NOTHING or not known:
        raise OptionError(f"--part {RESIDUAL_LINEAR} needs weights that know the classes")
    return train_residual(start, clips, args.seed)


def _start(args: argparse.Namespace, source: str, classes: tuple[str, ...]) -> Checkpoint:
    """The initial weights."""
    paper = args.recipe == "paper"
    if source == NOTHING:
        maps = PUBLISHED if paper else None
        return initialize(args.seed, args.variant or "triplet", classes, maps)
    if args.variant is not None:
        raise OptionError("--variant is for --from nothing: other weights have one already")
    start = load_shipped() if source == SHIPPED else load(Path(source))
    if paper and replace(start.preprocessing, temperature=1.0) != PUBLISHED:
        raise OptionError(f"--recipe paper has other maps than {source}: use --from {NOTHING}")
    return start


def _config(args: argparse.Namespace, source: str, known: bool) -> FineTuneConfig:
    """The recipe, with what was chosen of it."""
    random = source == NOTHING
    part: Part = args.part or ("all" if random else "head")
    if random and part == "head":
        raise OptionError(f"--part head needs weights: not --from {NOTHING}")
    if args.recipe == "paper" and args.part == "head":
        raise OptionError("--recipe paper trains all of the network")
    config = PAPER if args.recipe == "paper" else recipe(part, random, known)
    given = _given(args, "epochs", "batch", "learning_rate")
    return replace(config, half=args.precision == "bfloat16", **given)
