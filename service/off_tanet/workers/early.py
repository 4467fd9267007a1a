"""Worker processes that start before there is an event loop, and become the first workers.

They load their libraries while the server process loads its own, and check the model, which the
server process therefore need not load.
"""

from __future__ import annotations

import select
import socket
from contextlib import suppress

import msgspec

from off_tanet import cpu
from off_tanet.errors import InstallationError
from off_tanet.workers import forked, processes
from off_tanet.workers.messages import REPLY, Failure, Step
from off_tanet.workers.options import WorkerOptions
from off_tanet.workers.processes import Started

_early: list[Started] = []


def start(count: int) -> None:
    """Start processes, by forks if these are prepared.

    If the system cannot provide them now, the engine will say so.

    Args:
        count: Number of workers; without forks, no more are started than there are cores.
    """
    with suppress(OSError):
        _early.extend(processes.start_forked(count))
        while len(_early) < min(count, cpu.available()):
            _early.append(processes.start_blocking())


def load(options: WorkerOptions, seconds: float) -> None:
    """Let the processes load the models, and wait for the first of them.

    If none has loaded them in time, or it was killed, the engine waits for them or starts others.

    Args:
        options: Options of the workers.
        seconds: How long to wait.

    Raises:
        OffTanetError: The first one could not load.
    """
    for each in _early:
        with suppress(OSError):  # it has ended
            each.send(options)
    ready, _, _ = select.select([each.socket for each in _early], [], [], seconds)
    for first in ready[:1]:
        with suppress(OSError, EOFError):
            _check(_first_message(first))


def _first_message(replies: socket.socket) -> Step | Failure:
    """Read a message of a process that has not decoded any upload yet."""
    _, length = REPLY.unpack(_exactly(replies, REPLY.size))
    return msgspec.msgpack.decode(_exactly(replies, length), type=Step | Failure)


def _exactly(replies: socket.socket, size: int) -> bytes:
    data = replies.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        raise EOFError
    return data


def _check(message: Step | Failure) -> None:
    if isinstance(message, Failure):
        discard()
        raise InstallationError(message.cause) if message.cause else message.exception()


def take(options: WorkerOptions) -> Started | None:
    """Remove and return a process that has these options, or none yet; None if there is none."""
    for each in _early:
        if each.options in (None, options):
            _early.remove(each)
            if each.options is None:
                each.send(options)
            return each
    return None


def kill() -> None:
    """Kill the processes, which ends a wait for them; a signal handler may call this."""
    for each in _early:
        processes.kill(each.process)


def discard() -> None:
    """End the processes that no engine has taken.

    They would otherwise become workers of the next engine of this process.
    """
    while _early:
        started = _early.pop()
        started.kill()
        started.process.join()
    forked.discard()
