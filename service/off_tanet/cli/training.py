"""The commands for training, evaluation and export. They are in `off_tanet_export`."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import typer

from off_tanet.cli.exit_codes import CommandError, ExitCode

COMMANDS = {
    "data": "Read a database as it is delivered into a file for training and evaluation.",
    "train": "Train a network on synthetic motion, or a final model on your own data.",
    "calibrate": "Fit the softmax temperature again; train includes this step.",
    "evaluate": "Score labelled clips, or a training on them.",
    "evaluate-spotting": "Score the expressions that are spotted in long videos.",
    "export": "Write the ONNX file that the service loads.",
    "compare": "Train on each source of motion and score on real flow maps.",
    "ablate": "Train each variant of the last block and score on real flow maps.",
    "sensitivity": "Measure accuracy against the strength of a rendered motion.",
    "attention": "Analyse attention by action units and by sparseness.",
}
"""Each command and its help. The options are in `off_tanet_export`, which needs PyTorch."""

PANEL = "Training"

_ALL_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}


def add_to(app: typer.Typer) -> None:
    """Add the commands to `app`; each receives its arguments unparsed."""
    for name, about in COMMANDS.items():
        add = app.command(
            name,
            help=about,
            rich_help_panel=PANEL,
            context_settings=_ALL_ARGUMENTS,
            add_help_option=False,
        )
        add(_command(name))


def _command(name: str) -> Callable[[typer.Context], int]:
    def run(context: typer.Context) -> int:
        return _main(name)([name, *context.args])

    return run


def _main(name: str) -> Callable[[list[str]], int]:
    # Imported by name: the service is installed without PyTorch and must not depend on it.
    try:
        commands = importlib.import_module("off_tanet_export.commands")
    except ModuleNotFoundError:
        message = f"{name} needs the extra train: pip install 'off-tanet[train]'"
        raise CommandError(message, ExitCode.USAGE) from None
    main: Callable[[list[str]], int] = commands.main
    return main
