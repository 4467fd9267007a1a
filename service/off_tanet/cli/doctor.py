"""`off-tanet doctor`."""

from __future__ import annotations

from dataclasses import asdict

from off_tanet.cli.console import AsJson, answer, grid, show
from off_tanet.cli.exit_codes import Code, EndError


def doctor(as_json: AsJson = False) -> None:
    """Check this installation, from processor to samples.

    Ends with 3 when something is wrong.
    """
    from off_tanet.doctor import examine

    checks = []
    for check in examine():
        checks.append(check)
        if not as_json:
            show(grid(("good" if check.good else "WRONG", f"{check.name:9}", check.told)))
    wrong = [check.name for check in checks if not check.good]
    if as_json:
        answer({"good": not wrong, "checks": [asdict(check) for check in checks]})
    if wrong:
        raise EndError(f"wrong: {', '.join(wrong)}", Code.ENVIRONMENT)
