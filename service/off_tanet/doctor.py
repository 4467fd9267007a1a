"""Checks this installation step by step, up to predictions by a worker process."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from off_tanet import cpu, environment, settings, startup
from off_tanet.batch.rows import Row
from off_tanet.batch.runner import score_rows
from off_tanet.batch.scoring import Result
from off_tanet.configuration import SAMPLES, Configuration
from off_tanet.errors import OffTanetError
from off_tanet.recognition import flow
from off_tanet.recognition.flow import builds
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.settings import Settings

_WORKER_BYTES = 180_000_000  # resident memory of a warm worker, as `make bench-serve` prints it

EXPECTED = (
    *(
        (Row(SAMPLES, f"{name}_onset.jpg", f"{name}_apex.jpg"), name)
        for name in ("negative", "positive", "surprise")
    ),
    (Row(SAMPLES, clip="clip.mp4"), "surprise"),
)
"""The samples of the package, and the label that its own model gives to each."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check.

    Attributes:
        name: Name of the check.
        good: Whether it passed.
        detail: What was found, or what is wrong, in one line.
    """

    name: str
    good: bool
    detail: str


class CheckError(Exception):
    """A check failed; the message is one line."""


def run_checks(config: Path | None = None) -> Iterator[Check]:
    """Run all checks, with the default settings where the configured ones are wrong.

    Args:
        config: The file of settings, as for `environment.load`.

    Yields:
        Each check as soon as it has run.
    """
    yield _run("processor", _processor)
    kernel = _run("kernel", _kernel)
    yield kernel
    yield _run("settings", lambda: _settings(config))
    try:
        configured = environment.load(config=config)
    except settings.SettingsError:
        configured = Settings.model_construct()  # defaults only
    yield _run("limits", lambda: _limits(configured))
    model = _run("model", lambda: _model(configured))
    yield model
    if kernel.good and model.good:  # otherwise no worker could start
        yield _run("samples", lambda: _samples(configured))


def _run(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except (
        CheckError,
        OffTanetError,
        settings.SettingsError,
        ImportError,
        OSError,
        ValueError,
    ) as error:
        return Check(name, False, str(error))


def _processor() -> str:
    return f"{_processor_name()}, {cpu.affinity()} of {os.cpu_count()} cores usable"


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _kernel() -> str:
    runnable = ", ".join(builds.runnable(flow.__path__))
    return f"{flow.build_name()}; this processor runs {runnable}"


def _settings(config: Path | None) -> str:
    """Create the application, as `serve` does: this also checks key files and extras."""
    startup.create(environment.load(config=config))
    return ", ".join(environment.origins(config)) or "all by default"


def _limits(configured: Settings) -> str:
    workers = configured.engine_limits.workers
    memory = _memory_bytes()
    needed = (workers + configured.video_workers) * _WORKER_BYTES
    if needed > memory:
        raise CheckError(f"{workers} workers need {needed / 1e9:.1f} GB, of {memory / 1e9:.1f} GB")
    files = startup.reserve_files(configured)
    return f"{workers} workers, {memory / 1e9:.1f} GB of memory, {files} open files"


def _memory_bytes() -> int:
    """The memory of the machine, or less if a control group (version 2) limits it."""
    if not hasattr(os, "sysconf"):  # Windows
        import psutil

        return int(psutil.virtual_memory().total)
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdigit() else machine


def _model(configured: Settings) -> str:
    card = Recognizer(configured.configuration).card
    return f"{card.name} {card.version}, {card.parameters} parameters, {card.licence}"


def _samples(configured: Settings) -> str:
    """Score the samples in a worker process; labels are compared only for the package's model.

    A Recognizer is warmed up here first: its error is immediate, a failing worker's takes seconds.
    """
    Recognizer(configured.configuration).warm_up()
    own_model = configured.configuration.model == Configuration().model
    expected = dict(EXPECTED)
    start = time.monotonic()
    results = asyncio.run(_score(configured))
    for result in results:
        label = result.answer.get("label")
        if result.problem_code or (own_model and label != expected[result.row]):
            names = " and ".join(result.row.files.values())
            raise CheckError(f"{names}: {result.problem_code or label}")
    return f"{len(results)} answered by a worker in {time.monotonic() - start:.1f} s"


async def _score(configured: Settings) -> list[Result]:
    limits = replace(configured.engine_limits, workers=1)
    rows = [row for row, _ in EXPECTED]
    async with aclosing(score_rows(rows, configured.configuration, limits)) as results:
        return [result async for result in results]
