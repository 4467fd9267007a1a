"""What a process that decodes strangers' uploads gives up."""

from __future__ import annotations

import ctypes
import resource
import sys

# <linux/prctl.h>
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38


def harden() -> None:
    """Leave no core file, let no process of the same user look inside, gain no privileges.

    A core file holds the upload that the process crashed on; on Linux a size limit of 0 is not
    enough where a crash handler takes the core over a pipe, so the process is not dumpable, either.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for option, value in ((_PR_SET_DUMPABLE, 0), (_PR_SET_NO_NEW_PRIVS, 1)):
        if prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))) != 0:
            raise OSError(ctypes.get_errno(), "prctl failed")
