"""The examples of README.md and docs/*.md: found, run against a real server, and updated.

    python -m tests.support.documents       writes the current answers into the documents

An example is a console or Python block, with the output that follows it, if any; a session at a
shell with commands of `off-tanet`; or a line of the server's log. A block is left out only if a
comment on the line above it gives the reason: `<!-- not run: needs a Kubernetes cluster -->`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from tests.support.paths import ROOT
from tests.support.requests import sample_video
from tests.support.serving import Server, is_ready, serving, started
from tests.support.transcripts import (
    SAMPLES,
    furnish_database,
    furnish_study,
    is_transcript,
    programs,
    transcribed,
)

DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

Kind = Literal["console", "transcript", "server", "python", "log"]

_BLOCKS = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]*\w) -->\n)?"
    r"^```(?P<language>console|python|json|text)\n(?P<source>.*?)^```$",
    re.M | re.S,
)
_SERVES = re.compile(r"^\$ (\w+=\S+ )*(\.venv/bin/)?(off-tanet serve|uvicorn)\b")
_ADDRESS = "localhost:8000"
_LONG_TEXT, _LONG_LIST, _LONG_EVENT, _LONG_MEMBER = 34, 6, 120, 400


@dataclass(frozen=True, slots=True)
class Example:
    """A block of a document, its source, and its documented output, at `span` in the text."""

    kind: Kind
    source: str
    shown_as: str = ""
    shown: str = ""
    span: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        return " ".join(self.source.split())[:60]


def examples(text: str) -> Iterator[Example]:
    """The examples of a document, in its order."""
    blocks = list(_BLOCKS.finditer(text))
    for block, following in zip_longest(blocks, blocks[1:]):
        source = block["source"]
        kind = None if block["reason"] else _kind(block["language"], source)
        if kind == "transcript":
            yield Example(kind, source, "transcript", source, block.span("source"))
        elif kind == "log":
            yield Example(kind, source, "json", source, block.span("source"))
        elif kind is not None and _answers(text, block, following):
            answer = following["language"], following["source"], following.span("source")
            yield Example(kind, source, *answer)
        elif kind is not None:
            yield Example(kind, source)


def left_out(text: str) -> Iterator[str]:
    """The reason for each block that is not run."""
    for block in _BLOCKS.finditer(text):
        if block["reason"] and _kind(block["language"], block["source"]):
            yield block["reason"]


def _answers(text: str, block: re.Match[str], following: re.Match[str] | None) -> bool:
    """Whether the next block is the output of this one: nothing is between them."""
    if following is None or text[block.end() : following.start()].strip():
        return False
    return following["language"] in ("json", "text")


def _kind(language: str, source: str) -> Kind | None:
    if language == "python":
        return "python"
    if language == "json" and '"logger": ' in source:
        return "log"
    if language != "console":
        return None
    if _SERVES.match(source):
        return "server"
    return "transcript" if is_transcript(source) else "console"


def run(example: Example, server: Server, folder: Path) -> str:
    """The output of an example, run in `folder` against the service."""
    if example.kind == "transcript":
        return transcribed(example.source, folder)
    if example.kind == "log":
        return _logged(server)
    if example.kind == "server":
        return _served(example.source.removeprefix("$ "), folder)
    source = example.source.replace("http://" + _ADDRESS, server.url)
    source = source.replace(_ADDRESS, server.url.removeprefix("http://"))
    if example.kind == "python":
        command = [sys.executable, "-c", source]
    else:
        source = re.sub(r"^\$ ", "", source, flags=re.M)
        source = source.replace("curl ", "curl --silent --show-error ")
        command = ["bash", "-euc", "set -o pipefail\n" + source]
    done = subprocess.run(
        command, cwd=folder, env=programs(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _served(command: str, folder: Path) -> str:
    """Start a command that serves on a port of its own choice, and end it when it is ready."""
    command = command.strip().replace(".venv/bin/", "").replace("--port 8000", "--port 0")
    shell = ("env", f"PATH={programs()['PATH']}", "bash", "-c", command)
    with started(shell, folder, ready=False, settings={}) as server:
        while not is_ready(server.url):
            assert server.process.poll() is None, server.log
    return ""


def _logged(server: Server) -> str:
    """The log line of a request."""
    samples = (SAMPLES / f"positive_{frame}.jpg" for frame in ("onset", "apex"))
    files = dict(zip(("onset", "apex"), (path.read_bytes() for path in samples), strict=True))
    with server.client() as http:
        answer = http.post("/v1/predictions/frames", files=files)
    wanted = f'"request_id": "{answer.headers["x-request-id"]}"'
    while True:  # a thread of the server writes it, and one of ours reads it
        assert server.process.poll() is None
        for line in reversed(server.log):
            if wanted in line:
                return line


def furnish(folder: Path) -> Path:
    """A folder with the files that the examples name."""
    for name in ("service", "README.md"):
        (folder / name).symlink_to(ROOT / name)
    # Lossless: the encoder does not always give the same result for the same frames.
    (folder / "film.mp4").write_bytes(sample_video(qp="0"))
    furnish_study(folder)
    furnish_database(folder)
    return folder


def written(example: Example, printed: str) -> str:
    """The output of an example as the documents show it."""
    if example.kind in ("transcript", "log"):
        return printed
    if example.shown_as == "text":
        return _events(printed) if printed.startswith("event: ") else printed
    # Python shows its own literals, which are those of JSON except for these.
    text = printed if example.kind == "console" else printed.replace("'", '"')
    lines = (f"  {json.dumps(name)}: {_member(value)}" for name, value in json.loads(text).items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _events(printed: str) -> str:
    first, second, *_, last = printed.strip().split("\n\n")
    last = "\n".join(_cut(line, _LONG_EVENT) for line in last.split("\n"))
    return f"{first}\n\n{second}\n\n…\n\n{last}\n"


def _member(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "kind" in value[0]:
        return "[\n" + ",\n".join("    " + _line(each) for each in value) + "\n  ]"
    return _line(_shortened(value) if isinstance(value, dict) else value)


def _shortened(value: dict[str, Any]) -> dict[str, Any]:
    """The members that fit, each shortened in the same way, and a mark for the others."""
    kept: dict[str, Any] = {}
    for name, member in value.items():
        kept[name] = _shortened(member) if isinstance(member, dict) else member
        if len(json.dumps(_abbreviated(kept))) > _LONG_MEMBER:
            del kept[name]
            return {**kept, "…": "…"}
    return kept


def _line(value: Any) -> str:
    return json.dumps(_abbreviated(value), ensure_ascii=False)


def _abbreviated(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _abbreviated(member) for name, member in value.items()}
    if isinstance(value, list):
        members = [_abbreviated(member) for member in value]
        return members if len(members) <= _LONG_LIST else [*members[:3], "…"]
    if isinstance(value, str) and value.startswith("data:"):
        return _cut(value, _LONG_TEXT)
    return value


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"


def _rewrite(document: Path, server: Server, folder: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for example in reversed(list(examples(text))):
        if not example.shown_as:
            continue
        run(example, server, folder)  # once to fill the caches
        start, end = example.span
        text = text[:start] + written(example, run(example, server, folder)) + text[end:]
    document.write_text(text, encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as server:
        folder = Path(home) / "examples"
        folder.mkdir()
        furnish(folder)
        for document in DOCUMENTS:
            _rewrite(document, server, folder)


if __name__ == "__main__":
    main()
