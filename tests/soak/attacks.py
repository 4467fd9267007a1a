"""Whether `/health/live` answers at once under attack by each of the fault programs.

They are outside of this repository, in `../shared/faults`, and start servers of their own.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from off_tanet.configuration import ASSETS

from tests.soak.part import Part
from tests.support.paths import ROOT
from tests.support.shared import SHARED

FOLDER = SHARED / "faults"
BOUND_MS = 100.0
EVERY_S = 0.02
# The service refuses to start with the 64 open files that the first allows, and with each of the
# wrong settings of the other.
REFUSED_AT_START = {"p09_engine_fd.py", "p11_start.py"}
TIMEOUT_S = 400


class Probe(threading.Thread):
    """Probes the liveness of a server that comes and goes, over one kept connection."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.milliseconds: list[float] = []
        self.refused = 0
        self.ended = threading.Event()
        self._port = port

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self.ended.wait(EVERY_S):
            started = time.perf_counter()
            try:
                connection.request("GET", "/health/live")
                connection.getresponse().read()
                self.milliseconds.append((time.perf_counter() - started) * 1e3)
            except (OSError, http.client.HTTPException):
                self.refused += 1
                connection.close()


def run() -> Part:
    """Run each program in turn; report the response times of the probe."""
    part = Part("attacks, /health/live while each program of ../shared/faults runs")
    programs = sorted(FOLDER.glob("p*.py"))
    if not programs:
        part.summary = f"skipped: {FOLDER} is not there"
        return part
    worst, skipped = 0.0, 0
    for program in programs:
        if shutil.which("ffmpeg") is None and '"ffmpeg"' in program.read_text("utf-8"):
            part.say(f"{program.name:28} skipped: it needs ffmpeg")
            skipped += 1
            continue
        worst = max(worst, _attack(part, program))
    left_out = f"; {skipped} skipped without ffmpeg" if skipped else ""
    part.summary = f"p99 of {worst:.1f} ms at most{left_out}"
    return part


def _attack(part: Part, program: Path) -> float:
    (port,) = {int(found) for found in re.findall(r"\b83\d\d\b", program.read_text("utf-8"))}
    probe = Probe(port)
    probe.start()
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"PROJECT": str(_project(Path(home))), "TMPDIR": home}
        done = subprocess.run(
            [sys.executable, str(program), *_arguments(program)],
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    probe.ended.set()
    probe.join()
    times = np.array(probe.milliseconds or [0.0])
    p50, p99, most = np.percentile(times, 50), np.percentile(times, 99), times.max()
    part.say(
        f"{program.name:28} exit {done.returncode}; {len(times)} answers, median {p50:.1f} ms, "
        f"p99 {p99:.1f}, at most {most:.1f}; {probe.refused} times no server or no connection"
    )
    answered = bool(probe.milliseconds)
    if program.name in REFUSED_AT_START:
        part.check(not answered, f"{program.name}: the service started")
    else:
        part.check(answered, f"{program.name}: the probe was never answered")
    part.check(p99 < BOUND_MS, f"{program.name}: p99 of /health/live is {p99:.1f} ms")
    return float(p99)


def _project(home: Path) -> Path:
    """The project with its assets where they were when the programs were written."""
    project = home / "project"
    (project / "service").mkdir(parents=True)
    (project / ".venv").symlink_to(ROOT / ".venv")
    (project / "service/assets").symlink_to(ASSETS)
    return project


def _arguments(program: Path) -> list[str]:
    """Options that make each of its cases run."""
    return ["stop", "garbage", "log", "core"] if program.name.startswith("p12") else []
