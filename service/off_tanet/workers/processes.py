"""Start and end of worker processes within an event loop."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess

from off_tanet import cpu
from off_tanet.workers import entry, signals

# Most bodies fit into it. Otherwise server and worker take turns for each 200 kB (5% of their time
# for a flow field in JSON). Systems have maxima of their own, to which it is reduced.
_SEND_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Started:
    """A process that loads the libraries of a worker and then waits for its options.

    Attributes:
        process: The process.
        socket: The server's end of the socket to it.
    """

    process: SpawnProcess
    socket: socket.socket

    def kill(self) -> None:
        """Kill the process and close the socket."""
        kill(self.process)
        self.socket.close()


_early: list[Started] = []


def start_early(count: int) -> None:
    """Start processes before there is an engine, whose first workers they become.

    They load their libraries while this process loads its own. If the system cannot provide them
    now, the engine will say so.

    Args:
        count: Number of workers; no more processes are started than there are cores.
    """
    with suppress(OSError, RuntimeError):
        for _ in range(min(count, cpu.available())):
            with _new() as started:
                signals.start_shielded(started.process)
            _early.append(started)


async def start() -> Started:
    """Return a process that was started early, or start one in a thread.

    Raises:
        OSError: The system cannot provide a process or a file.
        RuntimeError: The system cannot provide a thread.
    """
    if _early:
        return _early.pop()
    loop = asyncio.get_running_loop()
    with _new() as started:
        starting = loop.run_in_executor(None, signals.start_shielded, started.process)
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(lambda _: _kill_late(started.process, starting))
            raise
    return started


def kill(process: SpawnProcess) -> None:
    """Kill the process; do nothing if it was not started or is closed."""
    with suppress(AttributeError, ValueError):
        process.kill()


@contextmanager
def _new() -> Iterator[Started]:
    """Create a process and its socket; kill the process if it is not started within the block."""
    server_end, worker_end = socket.socketpair()
    server_end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    spawn = multiprocessing.get_context("spawn")  # no fork: it would copy the event loop
    process = spawn.Process(
        target=entry.run, args=(worker_end,), name="off-tanet-worker", daemon=True
    )
    started = Started(process, server_end)
    with worker_end:  # else the worker's death would not close the channel
        try:
            yield started
        except BaseException:
            started.kill()
            raise


def _kill_late(process: SpawnProcess, starting: asyncio.Future[None]) -> None:
    """Kill a process whose start was cancelled; a failure to start does not matter then."""
    if not starting.cancelled():
        starting.exception()  # else the event loop logs it
    kill(process)
