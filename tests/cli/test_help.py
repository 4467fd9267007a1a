"""The help texts, kept in a file so that changes to them are reviewed.

python -m tests.cli.test_help        writes the current texts into help.txt
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from off_tanet.cli import main
from off_tanet.cli.app import build_app
from typer.main import get_command

READ = Path(__file__).with_name("help.txt")


def commands(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its full name."""
    for word, command in getattr(group, "commands", {}).items():
        yield f"{name} {word}".strip(), command
        yield from commands(command, f"{name} {word}")


def texts() -> Iterator[tuple[str, str]]:
    """Each command, argument and option, with its help."""
    for name, command in commands(get_command(build_app())):
        yield name, command.help
        for parameter in command.params:
            yield f"{name} {parameter.opts[0]}", parameter.help


def written() -> str:
    return "".join(f"{name}: {' '.join(text.split())}\n" for name, text in texts())


def test_the_help_is_the_reviewed_one() -> None:
    """An automatic replacement of a word in the code may also change it in sentences."""
    assert written() == READ.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name, _ in commands(get_command(build_app()))])
def test_every_command_prints_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As complete sentences."""
    assert main([*name.split(), "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for title, text in texts():
        if title == name or title.rpartition(" ")[0] == name:
            assert text.strip().endswith(".")
        if title == name:
            assert " ".join(text.split()) in shown


if __name__ == "__main__":
    READ.write_text(written(), encoding="utf-8")
