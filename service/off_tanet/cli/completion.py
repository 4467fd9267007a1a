"""`off-tanet completion`."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

Shell = Literal["bash", "zsh", "fish", "powershell"]

_VARIABLE = "_OFF_TANET_COMPLETE"  # which Typer reads when the script asks for completions


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell that reads the script.")],
) -> None:
    """Print a script that completes commands and options.

    Bash: eval "$(off-tanet completion bash)" in ~/.bashrc. Zsh: the same with zsh, after compinit,
    in ~/.zshrc. Fish: off-tanet completion fish > ~/.config/fish/completions/off-tanet.fish.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    names = {"prog_name": "off-tanet", "complete_var": _VARIABLE}
    print(get_completion_script(**names, shell=shell))  # nosec B604 # the name of a shell


def prepare() -> None:
    """Let Typer answer, where the script of a shell asks for completions."""
    if _VARIABLE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
