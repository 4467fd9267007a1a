"""`off-tanet serve` before it listens: what its process loads, and signals while workers load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import workers_of
from tests.support.serving import SERVE, serving

NATIVE = ("onnxruntime", "cv2", "numpy", "av")
"""Packages that only workers need."""


def libraries_of(pid: int) -> set[str]:
    """Those of `NATIVE` whose libraries a process has mapped."""
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    return {name for name in NATIVE if f"/site-packages/{name}/" in maps}


def test_the_server_process_loads_no_library_of_recognition(tmp_path: Path) -> None:
    """Each costs memory, and time before the first answer."""
    with serving(tmp_path, workers=1) as server, server.client() as http:
        assert http.get("/v1/model").status_code == 200
        (worker,) = workers_of(server.process.pid)
        assert libraries_of(worker) == set(NATIVE)
        assert libraries_of(server.process.pid) == set()


def test_the_application_imports_no_package_of_recognition() -> None:
    """The same by name: what `serve` and other servers import."""
    code = (
        "import off_tanet.cli.app, off_tanet.startup, sys;"
        f"print([name for name in {NATIVE!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_the_wait_for_a_worker_that_hangs(number: int, code: int) -> None:
    """The server does not listen yet, and the event loop does not run."""
    process = subprocess.Popen([*SERVE], env={**os.environ, "OFF_TANET_WORKERS": "1"})
    try:
        while not (starting := workers_of(process.pid)):
            assert process.poll() is None
        os.kill(starting[0], signal.SIGSTOP)
        process.send_signal(number)
        assert process.wait(60) == code
    finally:
        process.kill()
        process.wait()
