"""Signals that reach a whole group of processes, of which one decides when work ends."""

from __future__ import annotations

import signal
from contextlib import suppress
from multiprocessing import resource_tracker, util
from multiprocessing.context import SpawnProcess
from weakref import WeakSet

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What a terminal, as it closes too, or a service manager sends to all processes of a service."""

_started: WeakSet[SpawnProcess] = WeakSet()


def start_shielded(process: SpawnProcess) -> None:
    """Start a process that none of `ENDING` ends, from its first instruction on.

    A signal that came while it imports its modules would end it, with a traceback. It inherits what
    is blocked in the thread that calls this.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        resource_tracker.ensure_running()  # else `start` does so, which unblocks two of them
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _started.add(process)


def _kill_started() -> None:
    """End those that are left: `multiprocessing` sends SIGTERM, and then waits for their end."""
    for process in _started:
        with suppress(ValueError):  # it has ended and was closed
            process.kill()


util.Finalize(None, _kill_started, exitpriority=0)
