"""On systems without what only Linux or POSIX has: client, command line and batch still work.

No Windows and no macOS is at hand: their absent functions are taken away in processes of their own.
What only such a system can show is in the workflows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil  # before the platform seems to be another
import pytest
from off_tanet.configuration import SAMPLES
from off_tanet.workers import malloc

from tests.support.paths import ROOT
from tests.support.serving import SERVE

PROGRAM = SERVE[0]
WITHOUT_POSIX = ROOT / "tests/support/without_posix"


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line without POSIX, worker processes included."""
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(WITHOUT_POSIX), "OFF_TANET_WORKERS": "1"},
        timeout=120,
        check=False,
    )


def test_the_functions_are_really_missing(tmp_path: Path) -> None:
    code = "import os, signal, fcntl"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(WITHOUT_POSIX)},
        cwd=tmp_path,
        check=False,
    )
    assert "ModuleNotFoundError: import of fcntl halted" in ran.stderr


def test_a_clip_is_answered(tmp_path: Path) -> None:
    ran = run("clip", str(SAMPLES / "clip.mp4"), "--json", home=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["label"] == "surprise"


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_batch_is_scored_and_continued(tmp_path: Path, suffix: str) -> None:
    """With a worker process, a locked file of results, and a file that is replaced."""
    command = ["batch", str(SAMPLES / "clip.mp4"), "-o", f"scores{suffix}", "--json"]
    runs = [run(*command, home=tmp_path) for _ in range(2)]
    assert [each.stderr for each in runs] == ["", ""]
    counts = [json.loads(each.stdout) for each in runs]
    assert [(each["scored"], each["skipped"]) for each in counts] == [(1, 0), (0, 1)]
    assert [path.name for path in tmp_path.iterdir()] == [f"scores{suffix}"]


def test_a_locked_file_is_another_runs(tmp_path: Path) -> None:
    """Both would score the same rows."""
    code = (
        "from pathlib import Path; from off_tanet.batch.journal import Journal, JsonLines\n"
        "import subprocess, sys\n"
        "with Journal(Path('a.jsonl'), JsonLines()) as journal:\n"
        "    journal.add({'input': {'clip': 'a'}})\n"
        "    if len(sys.argv) > 1: sys.exit(subprocess.call([sys.executable, sys.argv[1]]))\n"
    )
    (tmp_path / "hold.py").write_text(code, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "hold.py", "hold.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(WITHOUT_POSIX)},
        check=False,
    )
    assert "a.jsonl: another run is writing to it" in ran.stderr


def test_serving_is_refused_in_one_line(tmp_path: Path) -> None:
    """It ends work by signals, which Windows does not have."""
    ran = run("serve", home=tmp_path)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == (
        "off-tanet: serve needs the signals of Linux or macOS; "
        "on Windows, use WSL 2 or a container\n"
    )


def test_the_installation_is_checked(tmp_path: Path) -> None:
    ran = run("doctor", "--json", home=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["good"]


def test_other_commands_and_the_client_are_imported(tmp_path: Path) -> None:
    for arguments in (["--help"], ["settings"], ["key", "new", "a"], ["model"]):
        assert run(*arguments, home=tmp_path).returncode == 0


def test_memory_is_measured_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that holds too much is stopped on macOS and Windows, too."""
    by_proc = malloc.resident_bytes(os.getpid())
    monkeypatch.setattr(sys, "platform", "darwin")
    assert malloc.resident_bytes() == pytest.approx(by_proc, rel=0.2)
    assert malloc.resident_bytes(os.getpid()) == pytest.approx(by_proc, rel=0.2)
    assert malloc.resident_bytes(max(psutil.pids()) + 1_000_000) == 0
