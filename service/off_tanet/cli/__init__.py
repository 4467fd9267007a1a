"""The command `off-tanet`.

This module imports the commands only when one is run: worker processes import it, too, as every
spawned process imports its parent's main module, and do not need the commands.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The arguments after the program's name; by default those of this process.

    Returns:
        An exit code, see `exit_codes`.
    """
    try:
        if arguments is None:
            _prepare_process()
        from off_tanet.cli import streams
        from off_tanet.cli.app import run

        code = run(arguments)
        with suppress(OSError):  # `run` has reported it
            streams.flush()
        return code
    except KeyboardInterrupt:  # before the command started, or after its end
        print("off-tanet: stopped", file=sys.stderr)
        return 130


def _prepare_process() -> None:
    """Set up signals, environment and standard streams before anything else is imported."""
    if sys.argv[1:2] == ["serve"] and hasattr(signal, "pthread_sigmask"):
        # Blocked until `serve` handles them. Without this, an early signal would end the process
        # by its default action or, for the first process of a container, be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    # Pydantic would read the metadata of every installed package to find plugins, at the start of
    # this process and of each worker.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from off_tanet.cli import streams

    streams.prepare()
