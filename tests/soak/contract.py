"""schemathesis for longer than in the tests, without keys and with them."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from off_tanet.api.middleware.auth import digest, new_key

from tests.api.test_contract import ask_everything
from tests.soak.part import Part
from tests.support.serving import serving


def run(examples: int) -> Part:
    """All checks, up to `examples` requests for each operation and phase."""
    part = Part(f"contract, schemathesis with {examples} examples")
    for key in (None, new_key()):
        with tempfile.TemporaryDirectory() as folder:
            home, settings = Path(folder), {}
            if key is not None:
                settings["api_keys"] = home / "keys"
                (home / "keys").write_text(f"{digest(key)} tester\n", encoding="utf-8")
            with serving(home, ready=True, workers=2, **settings) as server:
                done = ask_everything(server.url, home, examples, seed=examples, key=key)
        counts = re.search(r"Test cases:\s+(.+)", done.stdout)
        part.summary = counts[1] if counts else "no count"
        part.say(f"{'with' if key else 'without'} keys: {part.summary}")
        part.check(done.returncode == 0, done.stdout)
    return part
