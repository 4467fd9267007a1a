"""The command `off-tanet`.

This module imports no command before one is run: a worker process imports it again, as every
spawned process does its parent's main module, and would carry the commands for nothing.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import suppress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, by default the process's own; see `exit_codes` for what it returns."""
    try:
        if arguments is None:
            _prepare()
        from off_tanet.cli import streams
        from off_tanet.cli.app import run

        code = run(arguments)
        with suppress(OSError):  # which has been told
            streams.flush()
        return code
    except KeyboardInterrupt:  # before the command could begin, or while it ended
        print("off-tanet: stopped", file=sys.stderr)
        return 130


def _prepare() -> None:
    """What a process of its own needs before all else."""
    if sys.argv[1:2] == ["serve"]:
        # They wait until it handles them: before, they would end it in another way or, where it is
        # the first process of a container, be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    from off_tanet.cli import streams

    streams.prepare()
