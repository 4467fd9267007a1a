"""`off-tanet key new`."""

from __future__ import annotations

from typing import Annotated

import typer

from off_tanet.cli.console import AsJson, answer
from off_tanet.cli.exit_codes import Code, EndError


def new(
    name: Annotated[str, typer.Argument(help="Whose key it is.")], as_json: AsJson = False
) -> None:
    """Make an API key.

    Prints it, and below it its line for the file that OFF_TANET_API_KEYS names.
    """
    from off_tanet.api.middleware import auth

    if not name.strip() or not name.isprintable():
        raise EndError("the name of a key is words on one line", Code.USAGE)
    key = auth.new_key()
    line = f"{auth.digest(key)} {name.strip()}"
    if as_json:
        answer({"key": key, "line": line})
    else:
        print(f"{key}\n{line}")
