"""`off-tanet settings`."""

from __future__ import annotations

from off_tanet.cli.console import AsJson, print_json


def settings(as_json: AsJson = False) -> None:
    """List all settings with their defaults."""
    from off_tanet.environment import listing, table

    if as_json:
        print_json(listing())
    else:
        print(table())
