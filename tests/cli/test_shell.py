"""What a shell user expects of any command: version, help, completion, readable logs."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from off_tanet.cli import main

from tests.support.paths import ROOT
from tests.support.serving import SERVE

COMPLETE = """
PATH={folder}:$PATH
eval "$(off-tanet completion bash)"
COMP_WORDS=({words}); COMP_CWORD={place}
_off_tanet_completion off-tanet
echo "${{COMPREPLY[@]}}"
"""


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"off-tanet {project['version']}\n"


@pytest.mark.parametrize("command", [[], ["key"]])
def test_without_a_command_the_help_is_shown(
    capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """As an error: a script with an empty variable has not done what it should."""
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(" ".join(["Usage: off-tanet", *command]))
    assert "Commands:\n" in captured.err


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("off-tanet pre", "predict"),
        ("off-tanet key n", "new"),
        ("off-tanet predict --fac", "--face --faces"),
        ("off-tanet predict --faces a", "all"),
    ],
)
def test_bash_completes_commands_and_options(words: str, completed: str) -> None:
    script = COMPLETE.format(
        folder=Path(SERVE[0]).parent, words=words, place=len(words.split()) - 1
    )
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == completed.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_has_a_script(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert main(["completion", shell]) == 0
    assert "_OFF_TANET_COMPLETE" in capsys.readouterr().out


def test_a_terminal_gets_a_readable_log_with_the_address(tmp_path: Path) -> None:
    """JSON is for the programs that collect logs; a person wants to know where to look."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*SERVE, "--host", "0.0.0.0"],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=tmp_path,
        env={**os.environ, "OFF_TANET_WORKERS": "1"},
    ) as process:
        os.close(theirs)
        shown = ""
        while "in a browser" not in shown and (read := os.read(ours, 4096)):
            shown += read.decode()
        process.terminate()
    os.close(ours)
    assert re.search(r"^INFO: +Open http://127\.0\.0\.1:\d+ in a browser\r?$", shown, re.M)
