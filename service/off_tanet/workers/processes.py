"""Start and end of worker processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from typing import TypeAlias

from off_tanet.workers import entry, forked, signals
from off_tanet.workers.forked import ForkedProcess
from off_tanet.workers.options import WorkerOptions

# Most bodies fit into it. Otherwise server and worker take turns for each 200 kB (5% of their time
# for a flow field in JSON). Systems have maxima of their own, to which it is reduced.
_SEND_BUFFER_BYTES = 1 << 20


WorkerProcess: TypeAlias = SpawnProcess | ForkedProcess


@dataclass(slots=True)
class Started:
    """A process that loads the libraries of a worker, then waits for its options and warms up.

    Attributes:
        process: The process.
        socket: The server's end of the socket to it.
        options: The options that were sent to it.
    """

    process: WorkerProcess
    socket: socket.socket
    options: WorkerOptions | None = None

    def send(self, options: WorkerOptions) -> None:
        """Send the options, which fit into the buffer of the socket."""
        self.socket.sendall(options.packed())
        self.options = options

    def kill(self) -> None:
        """Kill the process and close the socket."""
        kill(self.process)
        self.socket.close()


def start_forked(count: int) -> list[Started]:
    """Start processes without options by a fork, if `forked.prepare` could prepare that.

    Args:
        count: Number of processes; no more than `entry.MAX_FORKS` are started.

    Raises:
        OSError: The system cannot provide a file.
    """
    if not forked.is_prepared():
        return []
    pairs = [_socket_pair() for _ in range(min(count, entry.MAX_FORKS))]
    workers = forked.start([worker_end for _, worker_end in pairs])
    for _, worker_end in pairs:
        worker_end.close()
    return [Started(worker, pair[0]) for worker, pair in zip(workers, pairs, strict=True)]


def start_blocking() -> Started:
    """Start a process without options.

    Raises:
        OSError: The system cannot provide a process or a file.
    """
    with _new() as (started, process):
        signals.start_shielded(process)
    return started


async def start(options: WorkerOptions) -> Started:
    """Start a process in a thread.

    Args:
        options: Its options.

    Raises:
        OSError: The system cannot provide a process or a file.
        RuntimeError: The system cannot provide a thread.
    """
    loop = asyncio.get_running_loop()
    with _new() as (started, process):
        started.send(options)
        starting = loop.run_in_executor(None, signals.start_shielded, process)
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(lambda _: _kill_late(process, starting))
            raise
    return started


def kill(process: WorkerProcess) -> None:
    """Kill the process; do nothing if it was not started or is closed."""
    with suppress(AttributeError, ValueError):
        process.kill()


@contextmanager
def _new() -> Iterator[tuple[Started, SpawnProcess]]:
    """Create a process and its socket; kill the process if it is not started within the block."""
    server_end, worker_end = _socket_pair()
    spawn = multiprocessing.get_context("spawn")  # no fork: it would copy the event loop
    process = spawn.Process(
        target=entry.run, args=(worker_end,), name="off-tanet-worker", daemon=True
    )
    started = Started(process, server_end)
    with worker_end:  # else the worker's death would not close the channel
        try:
            yield started, process
        except BaseException:
            started.kill()
            raise


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return the ends of the server and of the worker."""
    server_end, worker_end = socket.socketpair()
    server_end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    return server_end, worker_end


def _kill_late(process: SpawnProcess, starting: asyncio.Future[None]) -> None:
    """Kill a process whose start was cancelled; a failure to start does not matter then."""
    if not starting.cancelled():
        starting.exception()  # else the event loop logs it
    kill(process)
