"""The first functions of processes, which need no library to be started."""

from __future__ import annotations

import gc
import os
import signal
import socket
from array import array
from collections.abc import Sequence

from off_tanet.workers import malloc

MAX_FORKS = 250
"""Linux passes so many sockets in a message."""


def run(parent: socket.socket) -> None:
    """Load the libraries of a worker, then wait for its options and run its jobs.

    Args:
        parent: Socket to the server process.
    """
    failure = _load()
    if failure is None:
        _work(parent)
    else:
        _report([parent], failure)


def fork_workers(control: socket.socket) -> None:
    """Load the libraries of a worker, fork workers, and end.

    Args:
        control: A socket to the server process, from which a socket for each worker comes, and to
            which their process ids go.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process with threads must not fork
    failure = _load()
    _, descriptors, _, _ = socket.recv_fds(control, 1, MAX_FORKS)
    parents = [socket.socket(fileno=each) for each in descriptors]
    if failure is not None:
        _report(parents, failure)
        return
    gc.freeze()  # else each worker's garbage collection would copy all memory
    control.sendall(array("i", [_fork(parent, parents, control) for parent in parents]))
    os._exit(0)  # without the clean-up of the libraries, for which the server would wait


def _fork(parent: socket.socket, parents: Sequence[socket.socket], control: socket.socket) -> int:
    """Fork a worker; return its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        control.close()
        for other in parents:
            if other is not parent:
                other.close()
        _work(parent)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _load() -> ImportError | None:
    """Load the libraries; return the reason if they cannot be loaded."""
    # Ctrl-C is sent to the whole process group, but the parent decides when work ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    malloc.keep_freed()  # before a library starts a thread
    try:
        from off_tanet.workers import handlers, worker_process  # noqa: F401
    except ImportError as error:
        return error
    return None


def _work(parent: socket.socket) -> None:
    from off_tanet.workers import worker_process

    worker_process.run(parent)


def _report(parents: Sequence[socket.socket], error: ImportError) -> None:
    from off_tanet.errors import InstallationError
    from off_tanet.workers.messages import WARM_UP, Failure, reply

    message = reply(WARM_UP, Failure.of(InstallationError(str(error))))
    for parent in parents:
        parent.sendall(message)
