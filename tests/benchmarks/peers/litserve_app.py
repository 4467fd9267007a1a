"""A LitServe server with two workers: `python -m tests.benchmarks.peers.litserve_app PORT`."""

from __future__ import annotations

import base64
import sys
from typing import Any

import litserve  # type: ignore[import-not-found]

from tests.benchmarks.peers import recognition


class Api(litserve.LitAPI):  # type: ignore[misc]
    """Takes JSON with the files in base64: a form does not reach its worker processes."""

    def setup(self, device: str) -> None:
        self.answer = recognition.load()

    def decode_request(self, request: dict[str, str]) -> tuple[bytes, bytes]:
        return base64.b64decode(request["onset"]), base64.b64decode(request["apex"])

    def predict(self, x: tuple[bytes, bytes]) -> dict[str, float]:
        return self.answer(*x)

    def encode_response(self, output: dict[str, float]) -> Any:
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=2, timeout=60)
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="error")
