"""Shell sessions as the documents show them: `$ ` and a command, then its output."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from off_tanet.configuration import ASSETS

from tests.support import made_databases

SAMPLES = ASSETS / "samples"
_KILLED = "Killed\n"
_PAIRS, _KEPT = 100, 40  # of the study; rows that the killed run has finished
_BAD = {66: "undecodable", 77: "undecodable", 88: "unsupported", 93: "missing", 97: "missing"}

# What depends on the machine and the moment; all other words and numbers are the program's.
_CHANGING = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<=, )\d+ ms$",
        r"(?<=after )[\d.]+ s$",
        r"(?<=in )[\d.]+ s$",
        r"(?<=processor  ).+, \d+ of \d+(?= cores usable$)",
        r"(?<=kernel     )\w+; this processor runs [\w, ]+$",
        r"(?<=limits     )\d+ workers, [\d.]+ GB of memory, \d+(?= open files$)",
    )
)
_NUMBER = re.compile(r"\d+\.\d+")


def is_transcript(block: str) -> bool:
    """Whether it contains a command of the program."""
    return block.startswith("$ off-tanet") and any(
        not line.startswith("$ ") for line in block.splitlines()
    )


def furnish_study(folder: Path) -> None:
    """A manifest of a hundred pairs, five of which have a problem, late in it."""
    study = folder / "study"
    study.mkdir()
    lines = ["onset,apex"]
    for index in range(_PAIRS):
        label = ("negative", "positive", "surprise")[index % 3]
        for frame in ("onset", "apex"):
            content = (SAMPLES / f"{label}_{frame}.jpg").read_bytes()
            bad = _BAD.get(index) if frame == "apex" else None
            content = {"undecodable": content[:200], "unsupported": b"text"}.get(bad or "", content)
            if bad != "missing":
                (study / f"{index}_{frame}.jpg").write_bytes(content)
        lines.append(f"{index}_onset.jpg,{index}_apex.jpg")
    (study / "pairs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def furnish_database(folder: Path) -> None:
    """A made CASME II, of which two rows are wrong, and a file that mends one."""
    made_databases.casme2(
        folder / "CASME2",
        ("05", "EP03_07", None, 51, 15, 80, None, "4", "disgust"),
        ("05", "EP19_03", None, 10, 31, 40, None, "12", "hapiness"),
    )
    for clip, onset, apex in (("EP03_07", 51, 66), ("EP19_03", 10, 31)):
        crops = folder / "CASME2" / "Cropped" / "sub05" / clip
        made_databases.write_frames(crops, "reg_img{}.jpg", onset, apex)
    fixes = "line,column,value\n9,emotion,happiness\n"
    (folder / "fixes.csv").write_text(fixes, encoding="utf-8")


def transcribed(block: str, folder: Path) -> str:
    """The block with the current output of its commands, run in `folder`."""
    (folder / "scores.csv").unlink(missing_ok=True)
    said = []
    for command, shown in _steps(block):
        said += [f"$ {command}\n", (_killed if shown == _KILLED else _printed)(command, folder)]
    return "".join(said)


def comparable(block: str) -> tuple[str, list[float]]:
    """What may not change: words, and numbers up to the rounding of another build of the flow."""
    words, numbers = [], []
    for line in block.splitlines():
        for pattern in _CHANGING:
            line = pattern.sub("…", line)
        numbers += [float(number) for number in _NUMBER.findall(line)]
        words.append(_NUMBER.sub("#", line))
    return "\n".join(words), numbers


def _steps(block: str) -> Iterator[tuple[str, str]]:
    for step in block.removeprefix("$ ").split("\n$ "):
        command, _, shown = step.partition("\n")
        yield command, shown.rstrip("\n") + "\n"


def programs(**settings: str) -> dict[str, str]:
    """The environment of a shell that finds this installation's programs, with these settings."""
    inherited = {name: text for name, text in os.environ.items() if "OFF_TANET" not in name}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return inherited | settings | {"PATH": path}


def _printed(command: str, folder: Path) -> str:
    """Both output streams, whatever the exit code."""
    ran = subprocess.run(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=programs(),
        check=False,
    )
    return "".join(line.rstrip() + "\n" for line in ran.stdout.splitlines())


def _killed(command: str, folder: Path) -> str:
    """Run a batch, and kill it when it has finished this many rows: the next waits at a pipe."""
    words = shlex.split(command)
    output = folder / words[words.index("--output") + 1]
    onset = folder / "study" / f"{_KEPT}_onset.jpg"
    kept = onset.rename(onset.with_suffix(".kept"))
    os.mkfifo(onset)
    process = subprocess.Popen(words, cwd=folder, env=programs(OFF_TANET_WORKERS="1"))
    try:
        while not output.exists() or output.read_bytes().count(b"\n") <= _KEPT:
            assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        kept.rename(onset)
    return _KILLED
