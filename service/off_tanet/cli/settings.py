"""`off-tanet settings`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from off_tanet.cli.console import AsJson, ConfigPath, print_json
from off_tanet.cli.exit_codes import CommandError, ExitCode

if TYPE_CHECKING:
    from rich.table import Table

_ONE_LINE = 1000  # characters, more than any row has


def settings(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List all settings with their values and meanings.

    A value that is not the default has its origin, the environment or the file.
    """
    from off_tanet.environment import listing, origins
    from off_tanet.settings import SettingsError

    try:
        changed = origins(config)
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    rows = [{**row, **_origin(changed, str(row["variable"]))} for row in listing()]
    if as_json:
        print_json(rows)
    else:
        _show(_table(rows))


def _origin(changed: dict[str, tuple[str, str]], name: str) -> dict[str, str]:
    if name not in changed:
        return {}
    value, origin = changed[name]
    return {"value": value, "origin": origin}


def _show(table: Table) -> None:
    """Print the table as wide as the terminal; for programs such as grep, a row is one line."""
    from rich.console import Console

    narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
    Console(highlight=False, markup=False, width=None if narrow else _ONE_LINE).print(table)


def _table(rows: list[dict[str, object]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("variable", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("meaning")
    for row in rows:
        table.add_row(str(row["variable"]), _value(row), str(row["meaning"]))
    return table


def _value(row: dict[str, object]) -> str:
    if "value" in row:
        return f"{row['value']} (from {row['origin']})"
    return "" if row["default"] is None else str(row["default"])
