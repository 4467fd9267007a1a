"""Prints the build options that give pip in a build this machine's indexes and certificates.

`pip_settings.py FILE`: writes pip's settings, those of the environment included, to FILE, to be
mounted as /etc/pip.conf with the files and folders that they name. No mount reaches a layer.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path


def main(file: str) -> None:
    settings = read()
    with open(file, "w", encoding="utf-8") as output:
        settings.write(output)
    named = {
        path for section in settings.values() for text in section.values() for path in paths(text)
    }
    for path in sorted(named):
        print(f"--volume={path}:{path}:ro")
    print(f"--volume={file}:/etc/pip.conf:ro")


def read() -> RawConfigParser:
    """Return what `pip config list` prints; the environment counts more than the files.

    Empty on a machine without pip.
    """
    settings = RawConfigParser()
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, check=False, capture_output=True, text=True).stdout.splitlines()
    for line in sorted(lines, key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        section = section.replace(":env:", "global")
        settings.setdefault(section, {})
        settings[section][key] = ast.literal_eval(value)
    return settings


def paths(text: str) -> Iterator[Path]:
    """Yield the files and folders of this machine that a setting names."""
    for word in text.split():
        local = word.removeprefix("file://")
        # The pages of an index name files beside it.
        path = Path(local).parent if local != word else Path(local)
        if path.is_absolute() and path.exists():
            yield path


if __name__ == "__main__":
    main(*sys.argv[1:])
