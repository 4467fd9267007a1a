"""Workers that are forked from a process that has loaded their libraries, on Linux.

Loading them takes most of the time of a start, and what is loaded before a fork is in memory once.
The process ends when it has forked, and its workers become children of the server. It has only one
thread, without which a fork would not be safe.

Forked workers have the same memory addresses. Those that later replace one are not forked: a crash
must not tell an attacker the addresses of the next process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from socket import socket

from off_tanet.workers import entry, signals

AVAILABLE = sys.platform == "linux"

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


def start(worker_ends: Sequence[socket]) -> list[ForkedProcess]:
    """Start a process that forks a worker for each socket.

    Orphans of any descendant become children of this process from now on.

    Args:
        worker_ends: The worker's end of the socket to each worker.

    Raises:
        OSError: The system cannot provide a process or a file.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_CHILD_SUBREAPER, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with writer:
        process = context.Process(
            target=entry.fork_workers, args=(worker_ends, writer), name="off-tanet-template"
        )
        signals.start_shielded(process)
    template = _Template(process, reader)
    workers = [ForkedProcess(template, index) for index in range(len(worker_ends))]
    for each in workers:
        signals.kill_at_exit(each)
    return workers


@dataclass(eq=False)
class ForkedProcess:
    """A worker, with the methods of a `multiprocessing.Process`.

    Attributes:
        template: The process that forks it.
        index: Its number among the workers of that process.
        exitcode: Its exit code, or minus the signal that ended it; None before its end.
    """

    template: _Template
    index: int
    exitcode: int | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """Its process id; None if the template was killed before it forked."""
        pids = self.template.fork_pids()
        return pids[self.index] if pids else None

    def is_alive(self) -> bool:
        """Return whether it has not ended."""
        self._wait(os.WNOHANG)
        return self.pid is not None and self.exitcode is None

    def join(self) -> None:
        """Wait for its end."""
        self._wait(0)

    def kill(self) -> None:
        """Kill it, or the template if that has not forked; a signal handler may call this."""
        if self.template.pids is None:
            self.template.process.kill()
        elif self.pid is not None and self.is_alive():
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Do nothing: it has no files."""

    def _wait(self, options: int) -> None:
        if self.exitcode is None and self.pid is not None:
            with suppress(ChildProcessError):  # another thread has just waited for it
                ended, status = os.waitpid(self.pid, options)
                if ended:
                    self.exitcode = os.waitstatus_to_exitcode(status)


@dataclass(slots=True)
class _Template:
    """The process that forks.

    Attributes:
        process: The process. Its workers end when this object does, as when the server has ended.
        reader: Receives the process ids of the workers.
        pids: The process ids, once they have been read.
    """

    process: SpawnProcess
    reader: Connection
    pids: list[int] | None = None

    def fork_pids(self) -> list[int]:
        """Wait for the process ids and the end of the process; they are none if it was killed."""
        if self.pids is None:
            pids: list[int] = []
            with self.reader, suppress(EOFError):
                pids = self.reader.recv()
            self.process.join()  # its workers are children of this process then
            self.pids = pids
        return self.pids
