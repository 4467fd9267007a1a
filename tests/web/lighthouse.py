"""Runs Lighthouse on the page of a real server and prints its scores.

python -m tests.web.lighthouse [--folder build/lighthouse]

It needs npm and Debian's chromium, and installs Lighthouse into the folder. The exit code is 1 if a
score is below 95.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT
from tests.support.serving import serving

VERSION = "12.8.2"
LEAST = 95
DEVICES: Mapping[str, Sequence[str]] = {"phone": (), "desktop": ("--preset=desktop",)}
_FLAGS = "--chrome-flags=--headless=new --no-sandbox --disable-gpu"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores for a phone and a desktop; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.lighthouse", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "build/lighthouse")
    folder: Path = parser.parse_args(arguments).folder
    program = install(folder)
    least = 100
    with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=1) as server:
        for device, options in DEVICES.items():
            report = measure(program, server.url, options)
            scores = {
                name: round(100 * category["score"])
                for name, category in report["categories"].items()
            }
            print(device, *(f"{name} {score}" for name, score in scores.items()), sep="  ")
            for audit in failed(report):
                print("   ", audit)
            least = min(least, *scores.values())
    return 0 if least >= LEAST else 1


def install(folder: Path) -> Path:
    """Install Lighthouse, unless it is there, and return its program."""
    program = folder / "node_modules/.bin/lighthouse"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
        subprocess.run([*command, f"lighthouse@{VERSION}"], check=True, stdout=subprocess.DEVNULL)
    return program


def measure(program: Path, url: str, options: Sequence[str]) -> dict[str, Any]:
    """Return the report of Lighthouse for a page."""
    command = [str(program), url, "--output=json", "--quiet", _FLAGS, *options]
    environment = {**os.environ, "CHROME_PATH": shutil.which("chromium") or ""}
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    report: dict[str, Any] = json.loads(output.stdout)
    return report


def failed(report: Mapping[str, Any]) -> list[str]:
    """Return the audits with a score below 0.9, as one line each."""
    return [
        f"{audit['id']}: {audit['title']} {audit.get('displayValue', '')}".rstrip()
        for audit in report["audits"].values()
        if audit["score"] is not None and audit["score"] < 0.9
    ]


if __name__ == "__main__":
    sys.exit(main())
