"""`off-tanet doctor`: checks of the installation."""

from __future__ import annotations

import json
import subprocess
import sys

import av
import pytest
from off_tanet.cli import main
from off_tanet.settings import Settings
from off_tanet.startup import files_needed

CHECKS = ["processor", "kernel", "settings", "limits", "model", "samples"]


def test_a_good_installation_passes(capfd: pytest.CaptureFixture[str]) -> None:
    """Including the samples' answers, computed by a worker process."""
    assert main(["doctor"]) == 0
    printed, err = capfd.readouterr()
    assert err == ""
    assert [line.split()[:2] for line in printed.splitlines()] == [
        ["good", name] for name in CHECKS
    ]


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("MODEL", "none.onnx", {"model"}),
        ("QUEUE", "-1", {"settings"}),
        ("API_KEYS", "none", {"settings"}),
        ("MAX_CONNECTIONS", str(10**12), {"limits"}),  # no system has so many open files
    ],
)
def test_every_problem_is_named(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    wrong: set[str],
) -> None:
    """All problems at once, with an exit code of their own."""
    monkeypatch.setenv(f"OFF_TANET_{name}", value)
    assert main(["doctor", "--json"]) == 3
    printed, err = capfd.readouterr()
    answer = json.loads(printed)
    assert {check["name"] for check in answer["checks"] if not check["good"]} == wrong
    assert answer["good"] is False
    assert err == f"off-tanet: wrong: {', '.join(wrong)}\n"


def test_the_usual_limits_of_linux_suffice() -> None:
    """1,024 open files, by default and on a machine of up to 47 cores."""
    ran = subprocess.run(
        ["bash", "-c", 'ulimit -n 1024; exec "$0" -m off_tanet doctor', sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "1024 open files" in ran.stdout
    assert files_needed(Settings(workers=47)) <= 1024


def test_a_broken_decoder_is_reported(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise no worker would ever be ready."""

    def fail(*_: object, **__: object) -> None:
        raise TypeError

    monkeypatch.setattr(av, "open", fail)
    assert main(["doctor", "--json"]) == 3
    printed, _ = capfd.readouterr()
    (wrong,) = (check for check in json.loads(printed)["checks"] if not check["good"])
    assert wrong["name"] == "samples"
    assert wrong["told"] == "The package's samples cannot be decoded (TypeError)."
