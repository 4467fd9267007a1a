"""`off-tanet doctor`."""

from __future__ import annotations

from off_tanet.cli.console import AsJson, ConfigPath, grid, print_json, show
from off_tanet.cli.exit_codes import CommandError, ExitCode


def doctor(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Check this installation, from the processor to predictions for the samples.

    The exit code is 3 if a check fails.
    """
    from off_tanet.doctor import run_checks

    checks = []
    for check in run_checks(config):
        checks.append(check)
        if not as_json:
            show(grid(("good" if check.good else "WRONG", f"{check.name:9}", check.detail)))
    wrong = [check.name for check in checks if not check.good]
    if as_json:
        rows = [{"name": each.name, "good": each.good, "told": each.detail} for each in checks]
        print_json({"good": not wrong, "checks": rows})
    if wrong:
        raise CommandError(f"wrong: {', '.join(wrong)}", ExitCode.ENVIRONMENT)
