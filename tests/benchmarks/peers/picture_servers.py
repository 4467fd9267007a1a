"""The servers that take two pictures, in a form or, where the framework has none, in JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache

from tests.benchmarks import load
from tests.benchmarks.bench_serve import framed
from tests.benchmarks.peers.servers import HERE, MLSERVER, Peer, mlserver, post


@cache
def _pictures() -> dict[str, bytes]:
    return {name: framed(f"surprise_{name}.jpg") for name in ("onset", "apex")}


def _base64() -> dict[str, str]:
    return {name: base64.b64encode(each).decode() for name, each in _pictures().items()}


def _form(path: str) -> Callable[[], bytes]:
    return lambda: load.upload(path, _pictures())


def _open_inference() -> bytes:
    inputs = [
        {
            "name": name,
            "shape": [1],
            "datatype": "BYTES",
            "parameters": {"content_type": "base64"},
            "data": [text],
        }
        for name, text in _base64().items()
    ]
    return post("/v2/models/peer/infer", {"inputs": inputs})


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
            *(str(programs / "python"), "-m", "uvicorn", f"{HERE}.fastapi_app:app"),
            *("--port", str(port), "--workers", "2", "--log-level", "error"),
        ],
        _form("/predict"),
    ),
    Peer(
        "LitServe",
        ("litserve==0.2.19",),
        lambda programs, port, _: [
            *(str(programs / "python"), "-m", f"{HERE}.litserve_app", str(port))
        ],
        lambda: post("/predict", _base64()),
    ),
    Peer(
        "BentoML",
        ("bentoml==1.4.40",),
        lambda programs, port, _: [
            *(str(programs / "bentoml"), "serve", f"{HERE}.bentoml_app:Peer"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        _form("/predict"),
    ),
    Peer(
        "MLServer",
        MLSERVER,
        lambda programs, port, home: mlserver(programs, port, home, "mlserver_model.Model"),
        _open_inference,
    ),
)
