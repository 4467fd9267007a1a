"""Start and end of worker processes within an event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from multiprocessing.context import SpawnProcess

from off_tanet.workers import signals


async def start(process: SpawnProcess) -> None:
    """Start the process in a thread; kill it if the caller is cancelled meanwhile."""
    starting = asyncio.get_running_loop().run_in_executor(None, signals.start_shielded, process)
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(lambda _: _kill_late(process, starting))
        raise


def _kill_late(process: SpawnProcess, starting: asyncio.Future[None]) -> None:
    """Kill a process whose start was cancelled; a failure to start does not matter then."""
    if not starting.cancelled():
        starting.exception()  # else the event loop logs it
    kill(process)


def kill(process: SpawnProcess) -> None:
    """Kill the process; do nothing if it was not started or is closed."""
    with suppress(AttributeError, ValueError):
        process.kill()
