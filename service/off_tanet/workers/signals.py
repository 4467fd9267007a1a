"""Protection of workers from signals that are sent to the whole process group."""

from __future__ import annotations

import signal
from contextlib import suppress
from multiprocessing import resource_tracker, util
from multiprocessing.context import SpawnProcess
from typing import Protocol
from weakref import WeakSet

ENDING = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Signals that a terminal or a service manager sends to all processes to end a service."""

CAN_BLOCK = hasattr(signal, "pthread_sigmask")
"""Whether signals can be blocked: not on Windows."""


class Killable(Protocol):
    """A process that can be killed."""

    def kill(self) -> None:
        """Kill it; do nothing if it has ended."""


_started: WeakSet[Killable] = WeakSet()


def start_shielded(process: SpawnProcess) -> None:
    """Start a process with the signals of `ENDING` blocked from its first instruction on.

    A signal while the process imports its modules would end it with a traceback. The process
    inherits the signals that are blocked in the calling thread.
    """
    if not CAN_BLOCK:
        process.start()
        kill_at_exit(process)
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        resource_tracker.ensure_running()  # else `start` does it, which unblocks two of the signals
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    kill_at_exit(process)


def kill_at_exit(process: Killable) -> None:
    """Kill a process when this one exits, if it still lives."""
    _started.add(process)


def _kill_started() -> None:
    """Kill remaining processes, because `multiprocessing` sends the blocked SIGTERM and waits."""
    for process in _started:
        with suppress(ValueError):  # it has ended and was closed
            process.kill()


util.Finalize(None, _kill_started, exitpriority=0)
