"""Requests with tensors that wait for a worker and are answered together, over real HTTP."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.recognition.classifier import Classifier

from tests.benchmarks.peers.servers import post
from tests.support.requests import INFER, described, some_flows
from tests.support.serving import serving, signal_workers, wait_for_metric
from tests.support.wire import connected

IDLE = 'off_tanet_workers{state="idle"}'
LEFT = 'off_tanet_requests_total{code="499",method="POST",route="/v2/models/{name}/infer"}'


def in_json(flows: NDArray[np.float32], output: str = "probabilities") -> dict[str, Any]:
    return described(flows) | {"outputs": [{"name": output}]}


def check_answer(answer: httpx.Response, flows: NDArray[np.float32]) -> None:
    (output,) = answer.json()["outputs"]
    expected = Classifier(ASSETS / "off_tanet.onnx").classify_batch(flows)
    np.testing.assert_allclose(
        np.reshape(output["data"], output["shape"]),
        [each.probabilities for each in expected],
        rtol=0,
        atol=1e-6,
    )


def test_requests_that_wait_are_answered_together_and_each_its_own(tmp_path: Path) -> None:
    """While the only worker is stopped, five of a client take three places, by twos. One of them is
    bad, and the client of another one leaves; this does not concern the others of their batches."""
    flows = [some_flows(count) for count in (2, 1, 3)]
    with (
        serving(tmp_path, workers=1, max_batched_requests=2, max_batched_bytes=4 << 20) as server,
        ThreadPoolExecutor() as threads,
        server.client() as http,
        ExitStack() as open_sockets,
    ):
        signal_workers(server, signal.SIGSTOP)
        first = threads.submit(http.post, INFER, json=in_json(some_flows(1)))
        wait_for_metric(server, IDLE, 0.0)
        pending = [threads.submit(http.post, INFER, json=in_json(each)) for each in flows]
        bad = threads.submit(http.post, INFER, json=in_json(flows[0], "label"))
        leaving = open_sockets.enter_context(connected(server))
        leaving.sendall(post(INFER, in_json(flows[0])))
        wait_for_metric(server, "off_tanet_queue_depth", 3.0)
        open_sockets.close()
        wait_for_metric(server, LEFT, 1.0)
        signal_workers(server, signal.SIGCONT)
        check_answer(first.result(), some_flows(1))
        for answer, each in zip(pending, flows, strict=True):
            check_answer(answer.result(), each)
        assert bad.result().status_code == 400
        assert "outputs.0.name" in bad.result().json()["detail"]
