"""Prints the processor time, in seconds, of a process and its descendants since their start.

`processor_time.py PID`, run in the container by its Python.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# In /proc/PID/stat after the name, which may contain spaces: time in user and in kernel mode, of
# the process and of its children that have ended.
FIELDS = slice(11, 15)


def main(process: str) -> None:
    print(f"{ticks(process) / os.sysconf('SC_CLK_TCK'):.2f}")


def ticks(process: str) -> int:
    folder = Path("/proc", process)
    own = (folder / "stat").read_text().rpartition(")")[2].split()[FIELDS]
    children = [
        child for file in folder.glob("task/*/children") for child in file.read_text().split()
    ]
    return sum(map(int, own)) + sum(map(ticks, children))


if __name__ == "__main__":
    main(*sys.argv[1:])
