"""The generated parts of docs/*.md: the table of settings, and the commands' help.

    python -m tests.support.generated_pages     writes them into the pages

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; the text around it is
written by hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from unittest.mock import patch

from off_tanet.cli import main as off_tanet
from off_tanet.environment import table

from tests.support.paths import ROOT

PAGES = tuple(ROOT / "docs" / name for name in ("configuration.md", "command-line.md"))

_PART = re.compile(r"(?<=^<!-- generated: )(\w+)( -->\n).*?(?=^<!-- end -->$)", re.M | re.S)
_COMMANDS = re.compile(r"^Commands:\n((?:  .*\n)+)", re.M)
_WIDTH = "88"  # of the help, in characters


def generated(text: str) -> str:
    """A page with its current generated parts."""
    return _PART.sub(lambda part: f"{part[1]}{part[2]}\n{_CONTENTS[part[1]]()}\n\n", text)


def _commands_help() -> str:
    return "\n\n".join(
        f"### off-tanet {command}\n\n```text\n{shown}```" for command, shown in _helps()
    )


def _helps(*command: str) -> Iterator[tuple[str, str]]:
    """Each command below `command`, and its `--help`; groups have none of their own."""
    shown = _help(*command)
    commands = _COMMANDS.search(shown)
    if commands is None:
        yield " ".join(command), shown
        return
    for name in re.findall(r"^  (\w+)", commands[1], re.M):
        yield from _helps(*command, name)


def _help(*command: str) -> str:
    with redirect_stdout(StringIO()) as shown, patch.dict(os.environ, {"COLUMNS": _WIDTH}):
        assert off_tanet([*command, "--help"]) == 0
    text = shown.getvalue().partition("\n  Exit codes:")[0]  # the same after each command
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


_CONTENTS = {"settings": table, "commands": _commands_help}


def main() -> None:
    for page in PAGES:
        page.write_text(generated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
