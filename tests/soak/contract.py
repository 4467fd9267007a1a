"""schemathesis for longer than the tests have time for."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests.api.test_contract import ask_everything
from tests.serving import serving
from tests.soak.part import Part


def run(examples: int) -> Part:
    """All checks, up to `examples` requests for each operation and phase."""
    part = Part(f"contract, schemathesis with {examples} examples")
    with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=2) as server:
        done = ask_everything(server.url, Path(home), examples, seed=examples)
    counts = re.search(r"Test cases:\s+(.+)", done.stdout)
    part.summary = counts[1] if counts else "no count"
    part.say(part.summary)
    part.check(done.returncode == 0, done.stdout)
    return part
