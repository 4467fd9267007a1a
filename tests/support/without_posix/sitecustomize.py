"""Takes from every process of a command what Windows does not have; PYTHONPATH names this folder.

psutil keeps what this system has, as it has parts of its own for each. Locks of `msvcrt` are those
of this system.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from types import ModuleType

import fcntl  # isort: skip

import psutil


def _locking(descriptor: int, _mode: int, count: int) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, count, os.lseek(descriptor, 0, 1))
    except BlockingIOError:
        raise PermissionError("locked") from None


def _remove() -> None:
    msvcrt = ModuleType("msvcrt")
    msvcrt.locking, msvcrt.LK_NBLCK = _locking, 2  # type: ignore[attr-defined]
    sys.modules.update(msvcrt=msvcrt)
    for name in ("fcntl", "resource", "pwd", "grp", "termios"):
        sys.modules[name] = None  # type: ignore[assignment] # as documented: it cannot be imported
    for module, names in (
        (os, ("sched_getaffinity", "sysconf", "nice", "O_NONBLOCK", "mkfifo", "getuid", "fork")),
        (signal, ("SIGHUP", "pthread_sigmask")),
        (select, ("poll", "epoll")),
    ):
        for name in names:
            delattr(module, name)


_remove()
del psutil
