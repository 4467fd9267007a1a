"""The OpenAPI document in another language: through a generated client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from off_tanet.configuration import ASSETS

from tests.support.serving import Server

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).with_name("typescript")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a generator and a compiler, from npm."""
    if shutil.which("npm") is None:
        pytest.skip("no npm here: apt-get install npm")
    folder = tmp_path_factory.mktemp("typescript") / "workshop"
    shutil.copytree(SOURCE, folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if "ENOTFOUND" in done.stderr or "ECONNREFUSED" in done.stderr:
        pytest.skip("npm's registry cannot be reached")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *command: str) -> str:
    """The output of a command, which must not fail."""
    environment = os.environ | {"NO_COLOR": "1", "CI": "true"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_generated_client_works(workshop: Path, server: Server) -> None:
    """Types check strictly, and every kind of request is answered."""
    with server.client() as http:
        (workshop / "openapi.json").write_text(http.get("/openapi.json").text)
    run(workshop, "npx", "openapi-ts", "--input", "openapi.json", "--output", "client")
    run(workshop, "npx", "tsc")
    answers = run(workshop, "node", "out/ask.js", server.url, str(ASSETS / "samples"))
    assert json.loads(answers) == {
        "frames": "positive",
        "crop": "data:image/png;base64",
        "clip": ["surprise", 12],
        "json": "surprise",
        "video": [30, 1],
        "problem": [415, "unsupported_media_type"],
        "parameters": 59403,
    }


def test_axios_is_answered(workshop: Path, server: Server) -> None:
    """Its buffers have no file name, and its arrays have brackets."""
    answers = json.loads(
        run(workshop, "node", "ask_axios.mjs", server.url, str(ASSETS / "samples"))
    )
    slip = answers.pop("a slip")
    assert set(answers) == {"buffers", "large buffers", "arrays", "lists", "indices"}
    assert answers["large buffers"] == "no_motion"  # the same picture twice
    assert answers["indices"] in ("negative", "positive", "surprise")
    assert (answers["buffers"], answers["arrays"], answers["lists"]) == ("positive",) * 3
    assert slip.startswith("422 body.onsetIndex: unknown name")
