"""Processes that are started before the engine is there."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
from pathlib import Path

from off_tanet.workers import early

from tests.support.engines import pid, ready_engine
from tests.support.serving import SERVE


def test_a_process_that_was_started_early_becomes_a_worker() -> None:
    """It has loaded its libraries while the server loaded its own."""
    early.start(1)
    (process,) = multiprocessing.active_children()

    async def body() -> None:
        async with ready_engine() as engine:
            assert await pid(engine) == process.pid

    asyncio.run(body())
    assert multiprocessing.active_children() == []


def test_a_server_that_cannot_start_leaves_no_process_behind(tmp_path: Path) -> None:
    """Its workers were started before its settings were found to be wrong."""
    # The workers inherit its standard output, so reading it ends only when they have ended.
    ended = subprocess.run(
        SERVE,
        capture_output=True,
        env={**os.environ, "OFF_TANET_MODEL": str(tmp_path / "none.onnx")},
        timeout=60,
    )
    assert ended.returncode == 2
    assert b"none.onnx" in ended.stderr
