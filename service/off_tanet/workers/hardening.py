"""Restrictions on the processes that decode uploads."""

from __future__ import annotations

import ctypes
import sys

# <linux/prctl.h>
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38


def harden() -> None:
    """Disable core files, inspection by other processes of the user, and new privileges.

    A core file would contain the upload that crashed the process. On Linux, a size limit of 0 does
    not suffice if a crash handler receives the core over a pipe, therefore the process is not
    dumpable either.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows, which has no core files
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for option, value in ((_PR_SET_DUMPABLE, 0), (_PR_SET_NO_NEW_PRIVS, 1)):
        if prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))) != 0:
            raise OSError(ctypes.get_errno(), "prctl failed")
