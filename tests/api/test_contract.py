"""The service does what its OpenAPI document declares, for valid and invalid requests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.serving import Server

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def ask_everything(
    url: str, home: Path, examples: int, seed: int, key: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis with every check; `home` is a folder that it may write to."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={CONFIGURATION}",
        "run",
        f"{url}/openapi.json",
        "--checks=all",
        "--continue-on-failure",
        "--generation-database=none",
        f"--max-examples={examples}",
        f"--seed={seed}",
        "--no-color",
    ]
    if key is not None:
        command.append(f"--header=Authorization: Bearer {key}")
    return subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=1200)


@pytest.mark.slow
def test_the_service_conforms_to_its_document(server: Server, tmp_path: Path) -> None:
    """Undocumented statuses, headers and bodies break generated clients."""
    done = ask_everything(server.url, tmp_path, examples=10, seed=4)
    assert done.returncode == 0, done.stdout
    assert re.search(r"Selected: (\d+)/\1\s+Tested: \1\b", done.stdout)  # none was skipped
