"""`off-tanet settings`."""

from __future__ import annotations

from service.cli.printing import AsJson, answer


def settings(as_json: AsJson = False) -> None:
    """List every setting with its default."""
    from service import settings as known

    if as_json:
        answer(known.listing())
    else:
        print(known.table())
