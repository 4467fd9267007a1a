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
import socket
import sys
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from typing import Self

from off_tanet.workers import entry, signals

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>

_prepared: list[_Template] = []


def prepare() -> None:
    """Start the process that loads the libraries, if this is Linux.

    Orphans of any descendant become children of this process from now on. If the system cannot
    provide the process, workers are started one by one.
    """
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None).prctl
    if prctl(_PR_SET_CHILD_SUBREAPER, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
        return
    with suppress(OSError):
        _prepared.append(_Template.start())


def is_prepared() -> bool:
    """Return whether `start` can be called, once."""
    return bool(_prepared)


def start(worker_ends: Sequence[socket.socket]) -> list[ForkedProcess]:
    """Let the prepared process fork a worker for each socket.

    Args:
        worker_ends: The worker's end of the socket to each worker, `entry.MAX_FORKS` at most.
    """
    template = _prepared.pop()
    with suppress(OSError):  # it has ended, as the workers will seem to have
        socket.send_fds(template.control, [b"f"], [each.fileno() for each in worker_ends])
    count = len(worker_ends)
    workers = [ForkedProcess(template, index, count) for index in range(count)]
    for each in workers:
        signals.kill_at_exit(each)
    return workers


def discard() -> None:
    """End the prepared process, if `start` was not called."""
    while _prepared:
        template = _prepared.pop()
        template.control.close()
        template.process.kill()
        template.process.join()


@dataclass(eq=False)
class ForkedProcess:
    """A worker, with the methods of a `multiprocessing.Process`.

    Attributes:
        template: The process that forks it.
        index: Its number among the workers of that process.
        siblings: The number of these workers.
        exitcode: Its exit code, or minus the signal that ended it; None before its end.
    """

    template: _Template
    index: int
    siblings: int
    exitcode: int | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """Its process id; None if the template was killed before it forked."""
        pids = self.template.fork_pids(self.siblings)
        return pids[self.index] if pids else None

    def is_alive(self) -> bool:
        """Return whether it has not ended."""
        return self._lives(os.WNOHANG)

    def join(self) -> None:
        """Wait for its end."""
        self._lives(0)

    def kill(self) -> None:
        """Kill it, and the template if that still exists; a signal handler may call this."""
        if self.template.pids is None:
            self.template.process.kill()  # so that `pid` does not wait
        if self.pid is not None and self.is_alive():
            with suppress(ProcessLookupError):  # another thread has just waited for it
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Do nothing: it has no files."""

    def _lives(self, options: int) -> bool:
        """Whether it lives, after a wait with these options of `os.waitpid`."""
        if self.exitcode is not None or self.pid is None:
            return False
        try:
            ended, status = os.waitpid(self.pid, options)
        except ChildProcessError:  # another thread has just waited for it
            return False
        if ended:
            self.exitcode = os.waitstatus_to_exitcode(status)
        return not ended


@dataclass(slots=True)
class _Template:
    """The process that forks.

    Attributes:
        process: The process. Its workers end when this object does, as when the server has ended.
        control: A socket to it, which gets the workers' sockets and returns their process ids.
        pids: The process ids, once they have been read.
    """

    process: SpawnProcess
    control: socket.socket
    pids: list[int] | None = None

    @classmethod
    def start(cls) -> Self:
        """Start the process."""
        control, its_end = socket.socketpair()
        process = get_context("spawn").Process(
            target=entry.fork_workers, args=(its_end,), name="off-tanet-template", daemon=True
        )
        with its_end:
            try:
                signals.start_shielded(process)
            except BaseException:
                control.close()
                raise
        return cls(process, control)

    def fork_pids(self, count: int) -> list[int]:
        """Wait for the process ids and the end of the process; they are none if it was killed."""
        if self.pids is None:
            pids = array("i")
            with self.control, suppress(OSError):
                received = self.control.recv(count * pids.itemsize, socket.MSG_WAITALL)
                pids.frombytes(received)
            self.process.join()  # its workers are children of this process then
            if self.pids is None:  # no signal handler was here meanwhile
                self.pids = list(pids)
        return self.pids
