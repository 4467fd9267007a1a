"""A server that is compared: how it is installed, started and asked."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import ROOT

ENVIRONMENTS = ROOT / "build" / "peers"
HERE = "tests.benchmarks.peers"
# With uvloop 0.22 and later, its worker processes do not start.
MLSERVER = ("mlserver==1.7.1", "uvloop==0.21.0")


@dataclass(frozen=True)
class Peer:
    """One server.

    Attributes:
        name: Its name in the table.
        packages: What is installed for it; nothing if our own environment has it.
        command: Its command line, from the folder of its programs, a port and an empty folder.
        request: The bytes of the request.
        at_start: A line of Python, an import, that every Python of its environment runs first.
    """

    name: str
    packages: tuple[str, ...]
    command: Callable[[Path, int, Path], list[str]]
    request: Callable[[], bytes]
    at_start: str = ""

    def programs(self) -> Path:
        """The folder of its programs; installs it if it is not installed."""
        if not self.packages:
            return Path(sys.executable).parent
        folder = ENVIRONMENTS / self.packages[0]
        if not (folder / "installed").exists():
            venv.create(folder, with_pip=True, clear=True)
            quiet = ["--quiet", "--disable-pip-version-check"]
            pip = [str(folder / "bin/python"), "-m", "pip", "install", *quiet, *self.packages]
            subprocess.run(pip, check=True)
            _lend_our_packages(folder, self.at_start)
            (folder / "installed").touch()
        return folder / "bin"


def _lend_our_packages(folder: Path, at_start: str) -> None:
    """Let an environment import what ours has and it has not, our Recognizer included."""
    ours = [Path(each) for each in sys.path if "site-packages" in each]
    imports = [
        line
        for each in ours
        for file in sorted(each.glob("*.pth"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("import _editable")
    ]
    paths = [*map(str, ours), str(ROOT), str(ROOT / "service"), str(ROOT / "model_export")]
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text("\n".join([at_start, *paths, *imports]) + "\n", encoding="utf-8")


def mlserver(programs: Path, port: int, home: Path, implementation: str) -> list[str]:
    """The command line of MLServer with two workers, whose settings it writes to a folder."""
    settings = {
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "parallel_workers": 2,
        "debug": False,
    }
    model = {"name": "peer", "implementation": f"{HERE}.{implementation}"}
    (home / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (home / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
    return [str(programs / "mlserver"), "start", str(home)]


def post(path: str, body: object) -> bytes:
    """A whole request with JSON."""
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n"
        "Content-Type: application/json\r\n\r\n"
    )
    return head.encode() + data
