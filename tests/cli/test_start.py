"""`off-tanet serve` before it listens: what its process loads, and signals while workers load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import workers_of
from tests.support.serving import SERVE, free_port, is_ready, serving, wait_for_metric

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


def addresses_of(pid: int) -> set[str]:
    """Where a process has mapped ONNX Runtime."""
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    return {line.partition(" ")[0] for line in maps.splitlines() if "/onnxruntime/" in line}


def test_workers_are_forked_but_those_that_replace_one(tmp_path: Path) -> None:
    """Libraries are loaded once; a crash must not tell the addresses of the next process."""
    with serving(tmp_path, workers=2) as server:
        first, second = workers_of(server.process.pid)
        forked = addresses_of(first)
        assert addresses_of(second) == forked
        with server.client() as http:
            os.kill(first, signal.SIGKILL)
            while len(after := workers_of(server.process.pid)) < 2 or first in after:
                assert http.get("/health/live").status_code == 200
            wait_for_metric(server, 'off_tanet_workers{state="idle"}', 2.0)
        (replacement,) = set(after) - {second}
        assert addresses_of(replacement).isdisjoint(forked)
    assert any("a worker ended by itself, exit code -9" in line for line in server.log)


def test_the_process_that_forks_has_one_thread() -> None:
    """Python warns of a fork in a process with several: one of them may hold a lock."""
    code = (
        "import os; from off_tanet.workers import handlers, worker_process;"
        "print(len(os.listdir('/proc/self/task')))"
    )
    one = {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, **one}, check=True
    )
    assert done.stdout.strip() == b"1"


def test_a_start_whose_first_process_is_killed(tmp_path: Path) -> None:
    """As when memory is short for a moment: the engine starts other workers."""
    command = [*SERVE[:-1], str(port := free_port())]
    process = subprocess.Popen(command, env={**os.environ, "OFF_TANET_WORKERS": "2"}, cwd=tmp_path)
    try:
        while not (starting := workers_of(process.pid)):
            assert process.poll() is None
        os.kill(starting[0], signal.SIGKILL)
        while not is_ready(f"http://127.0.0.1:{port}"):
            assert process.poll() is None
        assert len(workers_of(process.pid)) == 2
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_a_library_that_cannot_be_loaded_is_3(tmp_path: Path) -> None:
    """Without this, workers would be started for ever."""
    Path(tmp_path, "cv2.py").write_text("raise ImportError('libGL.so.1: no such file')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(SERVE, capture_output=True, text=True, env=environment, timeout=60)
    assert ended.returncode == 3
    assert ended.stderr == "off-tanet: libGL.so.1: no such file\n"
