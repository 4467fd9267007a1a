"""The peak memory of a worker for each kind of request, at the largest allowed size.

    make bench-memory

Each kind gets a server of its own with one worker, and is sent a few times; the peak is the
kernel's (VmHWM), so no peak between two samples is missed.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import httpx
import numpy as np

from tests.benchmarks.bench_serve import framed
from tests.support.processes import workers_of
from tests.support.requests import CLIP
from tests.support.serving import serving

BAR_MB = 250
ASKED = 3
BATCH = 64
INFER = "/v2/models/off-tanet/infer"


def flows() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A full batch of noise, each number with as many digits as it has."""
    return np.random.default_rng(0).standard_normal((BATCH, 2, 112, 112), np.float32)


def in_json(data: object) -> httpx.Request:
    tensor = {"name": "flow", "datatype": "FP32", "shape": [BATCH, 2, 112, 112], "data": data}
    return httpx.Request("POST", INFER, json={"inputs": [tensor]})


def in_binary() -> httpx.Request:
    sent = flows().astype("<f4").tobytes()
    parameters = {"binary_data_size": len(sent)}
    tensor = {"name": "flow", "datatype": "FP32", "shape": [BATCH, 2, 112, 112]}
    header = json.dumps({"inputs": [{**tensor, "parameters": parameters}]}).encode()
    length = {"Inference-Header-Content-Length": str(len(header))}
    return httpx.Request("POST", INFER, content=header + sent, headers=length)


def frames() -> httpx.Request:
    names = ("positive_onset.jpg", "positive_apex.jpg")
    files = dict(zip(("onset", "apex"), map(framed, names), strict=True))
    return httpx.Request("POST", "/v1/predictions/frames", files=files)


def clip() -> httpx.Request:
    return httpx.Request("POST", "/v1/predictions/clip", files={"video": CLIP.read_bytes()})


def peak_megabytes(request: httpx.Request | None) -> float:
    """The peak memory of a worker that has answered `request`, or only warmed up."""
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home), workers=1) as server,
        server.client() as http,
    ):
        for _ in range(ASKED if request else 0):
            assert request is not None
            answer = http.request(
                request.method, request.url, content=request.read(), headers=request.headers
            )
            assert answer.status_code == 200, answer.text
        (worker,) = workers_of(server.process.pid)
        status = Path(f"/proc/{worker}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def main() -> None:
    """Print each kind's peak next to the limit."""
    kinds = {
        "warm": None,
        "frames, 640 x 480": frames(),
        "clip, the sample": clip(),
        f"/v2, {BATCH} flows, binary": in_binary(),
        f"/v2, {BATCH} flows, JSON": in_json(flows().ravel().tolist()),
        f"/v2, {BATCH} flows, nested JSON": in_json(flows().tolist()),
    }
    print(f"worker's peak, MB (bar: {BAR_MB})")
    for name, request in kinds.items():
        print(f"  {name:28} {peak_megabytes(request):6.1f}", flush=True)


if __name__ == "__main__":
    main()
