"""Whether this installation works: one check after another, up to predictions by a worker."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from off_tanet import environment, settings, startup
from off_tanet.batch.manifest import Row
from off_tanet.batch.runner import scored
from off_tanet.batch.scoring import Result
from off_tanet.configuration import SAMPLES, Configuration
from off_tanet.errors import OffTanetError
from off_tanet.recognition import flow
from off_tanet.recognition.flow import builds
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.settings import Settings

_WORKER_BYTES = 180_000_000  # of a worker that is warm, as `make bench-serve` prints it

EXPECTED = (
    *(
        (Row(SAMPLES, f"{name}_onset.jpg", f"{name}_apex.jpg"), name)
        for name in ("negative", "positive", "surprise")
    ),
    (Row(SAMPLES, clip="clip.mp4"), "surprise"),
)
"""The samples of the package, and what its own model says of each."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, whether it is as it should be, and what was found."""

    name: str
    good: bool
    told: str


class FaultError(Exception):
    """Something is not as it should be; the message is one line."""


def examine() -> Iterator[Check]:
    """Each check, as soon as it is made. A wrong setting does not hide what else is wrong."""
    yield _checked("processor", _processor)
    kernel = _checked("kernel", _kernel)
    yield kernel
    yield _checked("settings", _settings)
    try:
        configured = environment.load()
    except settings.SettingsError:
        configured = Settings.model_construct()  # the defaults
    yield _checked("limits", lambda: _limits(configured))
    model = _checked("model", lambda: _model(configured))
    yield model
    if kernel.good and model.good:  # else no worker would ever be ready
        yield _checked("samples", lambda: _samples(configured))


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except (
        FaultError,
        OffTanetError,
        settings.SettingsError,
        ImportError,
        OSError,
        ValueError,
    ) as error:
        return Check(name, False, str(error))


def _processor() -> str:
    usable = len(os.sched_getaffinity(0))
    return f"{_processor_name()}, {usable} of {os.cpu_count()} cores usable"


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _kernel() -> str:
    runnable = ", ".join(builds.runnable(flow.__path__))
    return f"{flow.build_name()}; this processor runs {runnable}"


def _settings() -> str:
    """All that `serve` looks at before it starts: files of keys and extras, too."""
    startup.create(environment.load())
    return ", ".join(environment.variables()) or "all by default"


def _limits(configured: Settings) -> str:
    workers = configured.engine_limits.workers
    memory = _memory_bytes()
    needed = (workers + configured.video_workers) * _WORKER_BYTES
    if needed > memory:
        raise FaultError(f"{workers} workers need {needed / 1e9:.1f} GB, of {memory / 1e9:.1f} GB")
    files = startup.reserve_files(configured)
    return f"{workers} workers, {memory / 1e9:.1f} GB of memory, {files} open files"


def _memory_bytes() -> int:
    """The machine's, or what a container's control group (version 2) may have of it."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        granted = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return machine
    return min(machine, int(granted)) if granted.isdigit() else machine


def _model(configured: Settings) -> str:
    card = Recognizer(configured.configuration).card
    return f"{card.name} {card.version}, {card.parameters} parameters, {card.licence}"


def _samples(configured: Settings) -> str:
    """A worker process answers; labels are another model's own affair.

    What keeps a worker from warming up is told at once here, where a row would wait for one.
    """
    Recognizer(configured.configuration).warm_up()
    judged = configured.configuration.model == Configuration().model
    expected = dict(EXPECTED)
    start = time.monotonic()
    results = asyncio.run(_scored(configured))
    for result in results:
        label = result.answer.get("label")
        if result.problem_code or (judged and label != expected[result.row]):
            names = " and ".join(result.row.files.values())
            raise FaultError(f"{names}: {result.problem_code or label}")
    return f"{len(results)} answered by a worker in {time.monotonic() - start:.1f} s"


async def _scored(configured: Settings) -> list[Result]:
    limits = replace(configured.engine_limits, workers=1)
    rows = [row for row, _ in EXPECTED]
    async with aclosing(scored(rows, configured.configuration, limits)) as results:
        return [result async for result in results]
