"""The first functions of processes, which need no library to be started."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from socket import socket

from off_tanet.workers import malloc


def run(parent: socket) -> None:
    """Load the libraries of a worker, then wait for its options and run its jobs.

    Args:
        parent: Socket to the server process.
    """
    if _prepared([parent]):
        _work(parent)


def fork_workers(parents: Sequence[socket], pids: Connection) -> None:
    """Load the libraries of a worker, fork one for each socket, and end.

    Args:
        parents: A socket to the server process for each worker.
        pids: Sends the process ids of the workers to the server process.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process with threads must not fork
    if not _prepared(parents):
        return
    gc.freeze()  # else each worker's garbage collection would copy all memory
    pids.send([_fork(parent, parents, pids) for parent in parents])
    os._exit(0)  # without the clean-up of the libraries, for which the server would wait


def _fork(parent: socket, parents: Sequence[socket], pids: Connection) -> int:
    """Fork a worker; return its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        pids.close()
        for other in parents:
            if other is not parent:
                other.close()
        _work(parent)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _prepared(parents: Sequence[socket]) -> bool:
    """Load the libraries; if they cannot be loaded, report it and return False."""
    # Ctrl-C is sent to the whole process group, but the parent decides when work ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    malloc.keep_freed()  # before a library starts a thread
    try:
        from off_tanet.workers import handlers, worker_process  # noqa: F401
    except ImportError as error:
        _report(parents, error)
        return False
    return True


def _work(parent: socket) -> None:
    from off_tanet.workers import worker_process

    worker_process.run(parent)


def _report(parents: Sequence[socket], error: ImportError) -> None:
    from off_tanet.errors import InstallationError
    from off_tanet.workers.messages import WARM_UP, Failure, reply

    message = reply(WARM_UP, Failure.of(InstallationError(str(error))))
    for parent in parents:
        parent.sendall(message)
