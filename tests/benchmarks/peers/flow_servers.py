"""The servers that take optical flow in the Open Inference Protocol, in JSON or in binary."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from off_tanet.recognition.recognizer import Recognizer

from tests.benchmarks.bench_serve import framed
from tests.benchmarks.peers.servers import HERE, MLSERVER, Peer, mlserver, post

_OURS, _PEER = "/v2/models/off-tanet/infer", "/v2/models/peer/infer"


@cache
def _flow() -> NDArray[np.float32]:
    files = [framed(f"surprise_{name}.jpg") for name in ("onset", "apex")]
    return Recognizer().frames(*files).flow[None]


def _tensor(**other: Any) -> dict[str, Any]:
    tensor = {"name": "flow", "shape": list(_flow().shape), "datatype": "FP32", **other}
    return {"inputs": [tensor], "outputs": [{"name": "probabilities"}]}


def _json(path: str) -> bytes:
    return post(path, _tensor(data=_flow().ravel().tolist()))


def _binary(path: str) -> bytes:
    data = _flow().tobytes()
    header = json.dumps(_tensor(parameters={"binary_data_size": len(data)})).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(header) + len(data)}\r\n"
        f"Inference-Header-Content-Length: {len(header)}\r\n\r\n"
    )
    return head.encode() + header + data


def _ours(programs: Any, port: int, _: Any) -> list[str]:
    return [str(programs / "off-tanet"), "serve", "--port", str(port)]


def _triton(programs: Any, port: int, _: Any) -> list[str]:
    return [str(programs / "python"), "-m", f"{HERE}.triton_flow", str(port)]


_TRITON = ("nvidia-pytriton==0.7.0",)
# Triton's Python 3.11 is older than 3.11.7, but reads the standard library of this one, which calls
# `RLock._recursion_count`: only the lock that is written in Python has it.
_LOCK = (
    "import threading, multiprocessing.resource_tracker as tracker; "
    "tracker._resource_tracker._lock = threading._PyRLock()"
)

JSON_PEERS = (
    Peer("ours, flow in JSON", (), _ours, lambda: _json(_OURS)),
    Peer(
        "MLServer, flow in JSON",
        MLSERVER,
        lambda programs, port, home: mlserver(programs, port, home, "mlserver_flow.Model"),
        lambda: _json(_PEER),
    ),
    Peer("Triton, flow in JSON", _TRITON, _triton, lambda: _json(_PEER), _LOCK),
)
# MLServer has no binary tensors over HTTP.
BINARY_PEERS = (
    Peer("ours, flow in binary", (), _ours, lambda: _binary(_OURS)),
    Peer("Triton, flow in binary", _TRITON, _triton, lambda: _binary(_PEER), _LOCK),
)
