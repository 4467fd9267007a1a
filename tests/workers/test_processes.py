"""Processes that are started before the engine is there."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
from pathlib import Path

import pytest
from off_tanet.cli import main
from off_tanet.workers import early

from tests.support.engines import pid, ready_engine
from tests.support.processes import workers_of
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


@pytest.mark.parametrize(
    "variable", ["OFF_TANET_WORKERS", "OTEL_EXPORTER_OTLP_ENDPOINT", "OFF_TANET_MODEL"]
)
def test_a_start_that_fails_leaves_no_process_to_the_next_engine(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """It fails before its first workers are forked, and after, and once they have loaded."""
    monkeypatch.setenv(variable, "none")
    assert main(["serve"]) == 2
    monkeypatch.delenv(variable)
    assert workers_of(os.getpid()) == []

    async def body() -> None:
        async with ready_engine() as engine:
            (worker,) = multiprocessing.active_children()
            assert await pid(engine) == worker.pid

    asyncio.run(body())


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
