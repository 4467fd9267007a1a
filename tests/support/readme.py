"""The examples of README.md: found, run against a real server, and written anew.

    python -m tests.support.readme        writes what the commands answer now into README.md

An example is a console or Python block, with the answer that follows it, if one does; a session at
a shell in which `off-tanet` answers; or a line of the server's log. Blocks that start something of
their own (`make`, `docker`, a server) are no examples.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.api.test_videos import made_video
from tests.support.paths import ROOT
from tests.support.serving import Server, serving
from tests.support.transcripts import SAMPLES, furnish_study, is_transcript, transcribed

README = ROOT / "README.md"

_BLOCKS = re.compile(r"^```(console|python|json|text)\n(.*?)^```$", re.M | re.S)
_ADDRESS = "localhost:8000"
_LONG_TEXT, _LONG_LIST, _LONG_EVENT, _LONG_MEMBER = 34, 6, 120, 400


@dataclass(frozen=True, slots=True)
class Example:
    """A block of `language`, its source, and what it is said to print, at `span` in the README."""

    language: str
    source: str
    shown_as: str = ""
    shown: str = ""
    span: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        return " ".join(self.source.split())[:60]


def examples(text: str) -> Iterator[Example]:
    """Those of a README, in its order."""
    blocks = [(found[1], found[2], found.span(2)) for found in _BLOCKS.finditer(text)]
    for (language, source, own), (shown_as, shown, span) in zip(
        blocks, [*blocks[1:], ("", "", (0, 0))], strict=True
    ):
        if language == "console" and is_transcript(source):
            yield Example("transcript", source, "transcript", source, own)
        if language == "json" and '"logger": ' in source:
            yield Example("log", source, "json", source, own)
        if language == "console" and "curl" not in source:
            continue
        if language in ("console", "python"):
            answered = shown_as in ("json", "text")
            yield Example(language, source, *((shown_as, shown, span) if answered else ()))


def run(example: Example, server: Server, folder: Path) -> str:
    """What an example prints, run in `folder` against the service."""
    if example.language == "transcript":
        return transcribed(example.source, folder)
    if example.language == "log":
        return _logged(server)
    url = server.url
    source = example.source.replace("http://" + _ADDRESS, url)
    source = source.replace(_ADDRESS, url.removeprefix("http://"))
    if example.language == "console":
        command = ["bash", "-euc", "set -o pipefail\n" + source.replace("$ ", "", 1)]
        command[-1] = command[-1].replace("curl ", "curl --silent --show-error ")
    else:
        command = [sys.executable, "-c", source]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _logged(server: Server) -> str:
    """The line of a request."""
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
    """The folder with the files that the examples name."""
    for name in ("service", "README.md"):
        (folder / name).symlink_to(ROOT / name)
    # Without loss: the encoder does not always make the same of the same pictures.
    (folder / "film.mp4").write_bytes(made_video(qp="0"))
    furnish_study(folder)
    return folder


def written(example: Example, printed: str) -> str:
    """What an example printed, as the README shows it."""
    if example.language in ("transcript", "log"):
        return printed
    if example.shown_as == "text":
        first, second, *_, last = printed.strip().split("\n\n")
        last = "\n".join(_cut(line, _LONG_EVENT) for line in last.split("\n"))
        return f"{first}\n\n{second}\n\n…\n\n{last}\n"
    # Python shows its own literals, of which JSON's are the same but for these.
    text = printed if example.language == "console" else printed.replace("'", '"')
    lines = (f"  {json.dumps(name)}: {_member(value)}" for name, value in json.loads(text).items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _member(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "kind" in value[0]:
        return "[\n" + ",\n".join("    " + _line(each) for each in value) + "\n  ]"
    return _line(_shortened(value) if isinstance(value, dict) else value)


def _shortened(value: dict[str, Any]) -> dict[str, Any]:
    """The members that fit, each shortened in the same way, and a mark for the rest."""
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


def main() -> None:
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as server:
        folder = Path(home) / "examples"
        folder.mkdir()
        furnish(folder)
        for example in reversed(list(examples(text))):
            if not example.shown_as:
                continue
            run(example, server, folder)  # once for the caches
            start, end = example.span
            text = text[:start] + written(example, run(example, server, folder)) + text[end:]
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
