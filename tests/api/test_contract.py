"""What the OpenAPI document promises is what the service does, for any request it allows or not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.serving import Server

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def test_the_service_keeps_to_its_document(server: Server, tmp_path: Path) -> None:
    """Undocumented statuses, headers and bodies break generated clients, long after a release."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={CONFIGURATION}",
        "run",
        f"{server.url}/openapi.json",
        "--checks=all",
        "--continue-on-failure",
        "--generation-database=none",
        "--max-examples=10",
        "--seed=4",
        "--no-color",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert re.search(r"Selected: (\d+)/\1\s+Tested: \1\b", done.stdout)  # none was passed over
