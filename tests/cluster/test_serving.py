"""The application on a cluster of two nodes: what Ray adds between client and application.

`make soak-ray` runs all contract tests on it, scales it and kills a node.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from off_tanet.settings import SettingsError

from tests.cluster.serving import on_cluster
from tests.support.requests import CLIP, ask_frames, events_of, pair
from tests.support.serving import Server

cluster = pytest.importorskip("off_tanet.ray_serve", reason="needs Ray: make test-ray")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two replicas that each process one request and queue none."""
    with on_cluster(tmp_path_factory.mktemp("cluster"), queue_size=0) as running:
        yield running


@pytest.fixture(scope="module")
def client(served: Server) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def test_a_response_has_one_request_id(client: httpx.Client) -> None:
    """Ray's proxy sets one for each request and response, as the application does."""
    answer = ask_frames(client, *pair("positive"))
    assert (answer.status_code, answer.json()["label"]) == (200, "positive")
    assert len(answer.headers.get_list("x-request-id")) == 1
    given = client.get("/v1/nothing", headers={"X-Request-ID": "order-17"})
    assert given.headers.get_list("x-request-id") == ["order-17"]
    assert given.json()["request_id"] == "order-17"


def test_progress_passes_the_proxy(client: httpx.Client) -> None:
    names = [name for name, _ in events_of(client, CLIP.read_bytes())]
    assert names.count("progress") > 1
    assert names[-1] == "prediction"


def test_a_refusal_has_a_retry_after(client: httpx.Client) -> None:
    """Ray would queue them, or refuse them without a problem."""
    clip = CLIP.read_bytes()

    def ask(_: int) -> httpx.Response:
        return client.post("/v1/predictions/clip", files={"video": clip})

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(ask, range(12)))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.json()["code"] for answer in refused} == {"queue_full"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert {answer.status_code for answer in answers} == {200, 503}


def test_a_wrong_setting_stops_the_start() -> None:
    """Before anything is started on any machine."""
    with pytest.raises(SettingsError, match="MAX_REPLICAS is below"):
        cluster.app({"min_replicas": "2", "max_replicas": "1"})
