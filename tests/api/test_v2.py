"""The Open Inference Protocol over real HTTP, with Triton's client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton  # type: ignore[import-untyped]
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.recognition.classifier import Classifier
from tritonclient.http import aio
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from tests.support.requests import INFER, MODEL, check_problem, described, some_flows
from tests.support.serving import Server, serving, warming_up

Floats = NDArray[np.float32]
OUTPUTS = ("probabilities", "attention", "expressive")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(ASSETS / "off_tanet.onnx")


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(server.url.removeprefix("http://")) as opened:
        yield opened


def tensor(flows: Floats, *, binary: bool = True) -> triton.InferInput:
    made = triton.InferInput("flow", list(flows.shape), "FP32")
    return made.set_data_from_numpy(flows, binary_data=binary)


def check_same(result: triton.InferResult, flows: Floats, classifier: Classifier) -> None:
    expected = classifier.classify_batch(flows)
    for name in OUTPUTS:
        received = result.as_numpy(name)
        assert received.dtype == np.float32
        np.testing.assert_allclose(
            received, [getattr(one, name) for one in expected], rtol=0, atol=1e-6
        )


def test_the_client_finds_the_service_and_the_model(client: triton.InferenceServerClient) -> None:
    """What a serving platform requests before it sends any input."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "1.0.0")
    server = client.get_server_metadata()
    assert server == {"name": "off-tanet", "version": "1", "extensions": ["binary_tensor_data"]}
    received = client.get_model_metadata(MODEL)
    assert received == client.get_model_metadata(MODEL, "1.0.0")
    assert received["versions"] == ["1.0.0"]
    assert received["inputs"] == [{"name": "flow", "datatype": "FP32", "shape": [-1, 2, 112, 112]}]
    assert received["outputs"] == [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "attention", "datatype": "FP32", "shape": [-1, 14, 14]},
        {"name": "expressive", "datatype": "FP32", "shape": [-1]},
    ]


def test_kserves_probes(http: httpx.Client) -> None:
    """KServe's client reads their bodies, where Triton's reads the status."""
    assert http.get("/v2/health/live").json() == {"live": True}
    assert http.get("/v2/health/ready").json() == {"ready": True}
    assert http.get(f"/v2/models/{MODEL}/ready").json() == {"name": MODEL, "ready": True}


@pytest.mark.parametrize("count", [1, 2, 7, 20])
@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_the_numbers_equal_those_in_process(
    client: triton.InferenceServerClient, classifier: Classifier, count: int, binary: bool
) -> None:
    """For every encoding of request and response."""
    flows = some_flows(count)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in OUTPUTS]
    result = client.infer(MODEL, [tensor(flows, binary=binary)], outputs=outputs, request_id="a 7")
    check_same(result, flows, classifier)
    received = result.get_response()
    assert (received["model_name"], received["model_version"], received["id"]) == (
        MODEL,
        "1.0.0",
        "a 7",
    )
    assert all(("data" in output) != binary for output in received["outputs"])


def test_the_clients_own_defaults(
    client: triton.InferenceServerClient, classifier: Classifier
) -> None:
    """No outputs named: all of them, binary, with a version."""
    flows = some_flows(2)
    result = client.infer(MODEL, [tensor(flows)], model_version="1.0.0")
    check_same(result, flows, classifier)
    assert "id" not in result.get_response()


def test_one_output_of_two(client: triton.InferenceServerClient) -> None:
    """The attention is most of the response, and most clients do not need it."""
    outputs = [triton.InferRequestedOutput("probabilities")]
    result = client.infer(MODEL, [tensor(some_flows(2))], outputs=outputs)
    assert result.as_numpy("probabilities").shape == (2, 3)
    assert result.get_output("attention") is None


def test_concurrent_requests_get_their_own_answers(server: Server, classifier: Classifier) -> None:
    """The asynchronous client, over several connections."""
    batches = [some_flows(count) for count in (1, 2, 3, 4)]

    async def ask() -> list[triton.InferResult]:
        async with aio.InferenceServerClient(server.url.removeprefix("http://")) as client:
            inferences = (client.infer(MODEL, [tensor(flows)]) for flows in batches)
            return list(await asyncio.gather(*inferences))

    for result, flows in zip(asyncio.run(ask()), batches, strict=True):
        check_same(result, flows, classifier)


def test_json_by_hand(http: httpx.Client, classifier: Classifier) -> None:
    """Nested data, no outputs named: an answer in JSON whose probabilities sum to 1."""
    flows = some_flows(1)
    answer = http.post(INFER, json=described(flows) | {"id": "7"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["id"] == "7"
    probabilities = answer.json()["outputs"][0]["data"]
    assert sum(probabilities) == pytest.approx(1, abs=1e-6)
    expected = classifier.classify(flows[0]).probabilities
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)


def check_refused(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """A problem with the additional member that clients of this protocol read."""
    received = answer.json()
    error = received.pop("error")
    assert error == received["detail"]
    shown = httpx.Response(
        answer.status_code, headers=answer.headers, content=json.dumps(received).encode()
    )
    return check_problem(shown, status, code)


def test_other_models_and_versions(http: httpx.Client) -> None:
    """Each of the three routes, with and without a version."""
    for place in ("resnet", f"{MODEL}/versions/2", "%7Bname%7D"):
        for rest in ("", "/ready"):
            check_refused(http.get(f"/v2/models/{place}{rest}"), 404, "unknown_model")
        answer = http.post(f"/v2/models/{place}/infer", json=described(some_flows(1)))
        check_refused(answer, 404, "unknown_model")
    check_refused(http.get("/v2/nothing"), 404, "not_found")
    check_refused(http.get(INFER), 405, "method_not_allowed")


def test_the_client_shows_the_reason(client: triton.InferenceServerClient) -> None:
    """Its user sees the problem's `error`."""
    wrong = triton.InferInput("image", [1, 2, 112, 112], "FP32")
    wrong.set_data_from_numpy(some_flows(1))
    with pytest.raises(InferenceServerException, match=r"inputs\.0\.name.*'flow'") as caught:
        client.infer(MODEL, [wrong])
    assert caught.value.status() == "400"


def test_values_that_no_flow_has(client: triton.InferenceServerClient) -> None:
    """Also finite values that overflow in the network."""
    infinite = np.full((1, 2, 112, 112), np.inf, np.float32)
    huge = some_flows(1) * np.float32(1e37)
    for flows, reason in ((infinite, "not finite"), (huge, "too large")):
        with pytest.raises(InferenceServerException, match=reason) as caught:
            client.infer(MODEL, [tensor(flows)])
        assert caught.value.status() == "400"


@pytest.mark.parametrize("length", ["", "x", "-4", "0", "9" * 40, "1e3"])
def test_bad_header_lengths(http: httpx.Client, length: str) -> None:
    headers = {"Inference-Header-Content-Length": length}
    answer = http.post(INFER, json=described(some_flows(1)), headers=headers)
    check_refused(answer, 400, "invalid_inference_request")


def test_a_compressed_body(http: httpx.Client) -> None:
    """As "not JSON" it would not help a user who has enabled compression."""
    answer = http.post(INFER, content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    check_refused(answer, 415, "unsupported_media_type")


def test_a_refusal_never_echoes_the_request(http: httpx.Client) -> None:
    mark = "A-MARK-THAT-ONLY-THE-REQUEST-HAS"
    good = described(some_flows(1))
    bad: list[Any] = [
        {mark: mark},
        good | {"inputs": [good["inputs"][0] | {"name": mark}]},
        good | {"inputs": [good["inputs"][0] | {"data": [mark]}]},
        good | {"outputs": [{"name": mark}]},
        mark,
    ]
    for body in bad:
        answer = http.post(INFER, json=body)
        check_refused(answer, 400, "invalid_inference_request")
        assert mark not in answer.text
    assert mark not in http.get(f"/v2/models/{mark}").json()["error"]


def test_a_batch_and_a_body_over_their_limits(tmp_path: Path) -> None:
    """Each names its setting; a batch of exactly the limit is accepted."""
    with (
        serving(tmp_path, workers=1, max_batch=2, max_body_bytes=2_000_000) as small,
        small.client() as http,
    ):
        assert http.post(INFER, json=described(np.zeros_like(some_flows(2)))).status_code == 200
        received = check_refused(
            http.post(INFER, json=described(np.zeros_like(some_flows(3)))), 413, "limit_exceeded"
        )
        assert received["limit"] == "max_batch"
        received = check_refused(http.post(INFER, content=bytes(2_000_001)), 413, "limit_exceeded")
        assert received["limit"] == "max_body_bytes"


def test_not_ready_while_it_warms_up(tmp_path: Path) -> None:
    """A platform must neither send traffic yet nor restart the process."""
    with warming_up(tmp_path) as server:
        with triton.InferenceServerClient(server.url.removeprefix("http://")) as client:
            assert client.is_server_live()
            assert not client.is_server_ready()
            assert not client.is_model_ready(MODEL)
        with server.client() as http:
            answer = http.post(INFER, json=described(some_flows(1)))
            check_refused(answer, 503, "warming_up")
            assert int(answer.headers["retry-after"]) >= 1


def test_the_document_describes_the_request(http: httpx.Client) -> None:
    """The route has no parameter for its body, from which FastAPI would derive it."""
    document = http.get("/openapi.json").json()
    for path in ("/v2/models/{name}/infer", "/v2/models/{name}/versions/{version}/infer"):
        route = document["paths"][path]["post"]
        json_body = route["requestBody"]["content"]["application/json"]
        assert "$ref" not in json.dumps(json_body["schema"])
        assert set(json_body["schema"]["required"]) == {"inputs"}
        assert {"name", "in"} <= set(route["parameters"][0])
        for status in ("400", "404", "413", "415", "503"):
            received = route["responses"][status]["content"]["application/problem+json"]["example"]
            assert received["error"] == received["detail"]
