"""`off-tanet settings`."""

from __future__ import annotations

from off_tanet.cli.console import AsJson, answer


def settings(as_json: AsJson = False) -> None:
    """List every setting with its default."""
    from off_tanet import environment

    if as_json:
        answer(environment.listing())
    else:
        print(environment.table())
