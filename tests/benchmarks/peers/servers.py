"""The servers that are compared: how each is installed, started and asked."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import load
from tests.support.paths import ROOT

ENVIRONMENTS = ROOT / "build" / "peers"
_HERE = "tests.benchmarks.peers"


@dataclass(frozen=True)
class Peer:
    """One server.

    Attributes:
        name: Its name in the table.
        packages: What is installed for it; nothing if our own environment has it.
        command: Its command line, from the folder of its programs, a port and an empty folder.
        request: The request, from the files of onset and apex.
    """

    name: str
    packages: tuple[str, ...]
    command: Callable[[Path, int, Path], list[str]]
    request: Callable[[bytes, bytes], bytes]

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
            _lend_our_packages(folder)
            (folder / "installed").touch()
        return folder / "bin"


def _lend_our_packages(folder: Path) -> None:
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
    (site / "ours.pth").write_text("\n".join([*paths, *imports]) + "\n", encoding="utf-8")


def _form(path: str) -> Callable[[bytes, bytes], bytes]:
    return lambda onset, apex: load.upload(path, {"onset": onset, "apex": apex})


def _json(path: str, body: object) -> bytes:
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n"
        "Content-Type: application/json\r\n\r\n"
    )
    return head.encode() + data


def _base64_json(onset: bytes, apex: bytes) -> bytes:
    files = {"onset": onset, "apex": apex}
    texts = {name: base64.b64encode(each).decode() for name, each in files.items()}
    return _json("/predict", texts)


def _open_inference(onset: bytes, apex: bytes) -> bytes:
    inputs = [
        {
            "name": name,
            "shape": [1],
            "datatype": "BYTES",
            "parameters": {"content_type": "base64"},
            "data": [base64.b64encode(each).decode()],
        }
        for name, each in (("onset", onset), ("apex", apex))
    ]
    return _json("/v2/models/peer/infer", {"inputs": inputs})


def _mlserver(programs: Path, port: int, home: Path) -> list[str]:
    settings = {
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "parallel_workers": 2,
        "debug": False,
    }
    model = {"name": "peer", "implementation": f"{_HERE}.mlserver_model.Model"}
    (home / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (home / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
    return [str(programs / "mlserver"), "start", str(home)]


PEERS = (
    Peer(
        "ours",
        (),
        lambda programs, port, _: [str(programs / "off-tanet"), "serve", "--port", str(port)],
        _form("/v1/predictions/frames"),
    ),
    Peer(
        "plain FastAPI on uvicorn",
        (),
        lambda programs, port, _: [
            *(str(programs / "python"), "-m", "uvicorn", f"{_HERE}.fastapi_app:app"),
            *("--port", str(port), "--workers", "2", "--log-level", "error"),
        ],
        _form("/predict"),
    ),
    Peer(
        "LitServe",
        ("litserve==0.2.19",),
        lambda programs, port, _: [
            *(str(programs / "python"), "-m", f"{_HERE}.litserve_app", str(port))
        ],
        _base64_json,
    ),
    Peer(
        "BentoML",
        ("bentoml==1.4.40",),
        lambda programs, port, _: [
            *(str(programs / "bentoml"), "serve", f"{_HERE}.bentoml_app:Peer"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        _form("/predict"),
    ),
    # With uvloop 0.22 and later, its worker processes do not start.
    Peer("MLServer", ("mlserver==1.7.1", "uvloop==0.21.0"), _mlserver, _open_inference),
)
