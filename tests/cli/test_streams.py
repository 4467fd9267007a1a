"""Standard streams in unusual states: a command ends as usual."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.support.paths import ROOT
from tests.support.serving import SERVE

SAMPLES = "service/off_tanet/assets/samples"
PAIR = f"{SAMPLES}/positive_onset.jpg {SAMPLES}/positive_apex.jpg"
ANSWERS = [
    "settings",
    "settings --json",
    "--help",
    "predict --help",
    f"predict {PAIR}",
    "key new k",
]


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The result of a bash line in which `off-tanet` is the command."""
    line = re.sub(r"\boff-tanet\b", SERVE[0], line)
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("where", ["| true", "| head -c 1 >/dev/null", ">&-", "<&- >&- 2>&-"])
def test_output_need_not_be_read(answer: str, where: str) -> None:
    """`head` closes the pipe after reading enough, which is not an error."""
    ran = shell(f"off-tanet {answer} {where}")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("answer", ANSWERS)
def test_output_that_cannot_be_written_is_3(answer: str) -> None:
    """A script would otherwise take a partial answer for a complete one."""
    ran = shell(f"off-tanet {answer} >/dev/full")
    assert (ran.returncode, ran.stderr) == (3, "off-tanet: No space left on device\n")


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", "2> >(true)"])
def test_an_unread_error_still_has_its_code(where: str) -> None:
    ran = shell(f"off-tanet none {where}")
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", "")


def test_a_terminal_without_some_characters_gets_others() -> None:
    ran = shell(f"off-tanet predict {PAIR}", PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "positive  0.98" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (r"$'\xff'", 2),
        (r"--$'\xff'", 2),
        (r"predict $'\xff\n' x", 1),
        (r"video $'\xed\xa0\x80'", 1),
        (r"serve --host $'\xff'", 3),
        (r"serve --port $'\xff'", 2),
        (r"key new $'\xff'", 2),
        (r"key new $'a\nb'", 2),
        ("key new ''", 2),
        ("key new ' '", 2),
        ("predict '' ''", 2),
        ("clip service/off_tanet/assets/samples/clip.mp4 --onset-index 99999999999999999999", 1),
        (r"batch . -o $'\xff'", 2),
    ],
)
def test_odd_arguments_are_one_line(arguments: str, code: int) -> None:
    """File names are bytes, and need not be valid text."""
    ran = shell(f"off-tanet {arguments}")
    assert (ran.returncode, ran.stdout) == (code, "")
    assert re.fullmatch(r"off-tanet: .+\n", ran.stderr)
