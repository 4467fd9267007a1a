"""The first function of a worker process, which needs no library to be started."""

from __future__ import annotations

import signal
import socket

from off_tanet.workers import malloc


def run(parent: socket.socket) -> None:
    """Load the libraries of a worker, then wait for its options and run its jobs.

    Args:
        parent: Socket to the server process.
    """
    # Ctrl-C is sent to the whole process group, but the parent decides when work ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    malloc.keep_freed()  # before a library starts a thread
    from off_tanet.workers import worker_process

    worker_process.run(parent)
