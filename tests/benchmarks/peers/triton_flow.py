"""Triton with two instances of the network: `python -m tests.benchmarks.peers.triton_flow PORT`.

Triton's own server program, from NVIDIA's package PyTriton, passes tensors in shared memory to
Python: its package `tritonserver` on PyPI is a placeholder that refuses to be installed.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from pytriton.decorators import batch  # type: ignore[import-not-found]
from pytriton.model_config import ModelConfig, Tensor  # type: ignore[import-not-found]
from pytriton.triton import Triton, TritonConfig  # type: ignore[import-not-found]

from tests.benchmarks.peers import recognition


class Instance:
    """One of the two instances."""

    def __init__(self) -> None:
        self.answer = recognition.load_classifier()

    @batch  # type: ignore[untyped-decorator]
    def __call__(self, flow: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {"probabilities": self.answer(flow)}


def main(port: int) -> None:
    config = TritonConfig(
        http_address="127.0.0.1", http_port=port, grpc_port=port + 1, metrics_port=port + 2
    )
    with Triton(config=config) as triton:
        triton.bind(
            "peer",
            [Instance(), Instance()],
            inputs=[Tensor(name="flow", dtype=np.float32, shape=(2, 112, 112))],
            outputs=[Tensor(name="probabilities", dtype=np.float32, shape=(3,))],
            config=ModelConfig(max_batch_size=64),
        )
        triton.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
