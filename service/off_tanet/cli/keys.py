"""`off-tanet key new`."""

from __future__ import annotations

from typing import Annotated

import typer

from off_tanet.cli.console import AsJson, print_json
from off_tanet.cli.exit_codes import CommandError, ExitCode


def new(
    name: Annotated[str, typer.Argument(help="Name of the key's owner.")], as_json: AsJson = False
) -> None:
    """Create an API key.

    Prints the key and, below it, its line for the file that OFF_TANET_API_KEYS names.
    """
    from off_tanet.api.middleware import auth

    if not name.strip() or not name.isprintable():
        raise CommandError("the name of a key must be one line of printable text", ExitCode.USAGE)
    key = auth.new_key()
    line = f"{auth.digest(key)} {name.strip()}"
    if as_json:
        print_json({"key": key, "line": line})
    else:
        print(f"{key}\n{line}")
