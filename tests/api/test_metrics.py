"""Metrics as Prometheus sees them, parsed by Prometheus' own client library."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from off_tanet.settings import Settings
from prometheus_client.parser import text_string_to_metric_families

from tests.support.requests import CLIP, INFER, ask_frames, described, events_of, pair, some_flows
from tests.support.serving import Server, serving

FRAMES = {"route": "/v1/predictions/frames", "method": "POST"}


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose counters no other test changes."""
    home = tmp_path_factory.mktemp("metrics")
    with serving(home, workers=1, queue_size=0, max_body_bytes=1_000_000) as running:
        yield running


@pytest.fixture
def http(lone: Server) -> Iterator[httpx.Client]:
    with lone.client() as client:
        yield client


class Scrape:
    """The samples of one scrape."""

    def __init__(self, http: httpx.Client) -> None:
        answer = http.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        self.samples = [
            sample
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        ]

    def value(self, name: str, /, **labels: str) -> float:
        """The sum of the samples with these labels."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str, label: str) -> set[str]:
        return {sample.labels[label] for sample in self.samples if sample.name == name}


def test_a_prediction_is_counted_with_its_stages(http: httpx.Client) -> None:
    before = Scrape(http)
    assert ask_frames(http, *pair("positive")).status_code == 200
    after = Scrape(http)
    for name, labels in {
        "off_tanet_requests_total": {**FRAMES, "code": "200"},
        "off_tanet_request_duration_seconds_count": {"route": FRAMES["route"]},
        "off_tanet_stage_duration_seconds_count": {"stage": "flow"},
    }.items():
        assert after.value(name, **labels) == before.value(name, **labels) + 1
    assert after.value("off_tanet_stage_duration_seconds_sum", stage="total") > 0


def test_a_tensor_is_counted_with_its_stages(http: httpx.Client) -> None:
    """All stages, and the wait before them, as for an image."""
    before = Scrape(http)
    assert http.post(INFER, json=described(some_flows(1))).status_code == 200
    after = Scrape(http)
    name = "off_tanet_stage_duration_seconds_count"
    for stage in ("queue", "decode", "inference", "total"):
        assert after.value(name, stage=stage) == before.value(name, stage=stage) + 1


def test_a_stream_is_counted_by_its_last_event(http: httpx.Client) -> None:
    """Its status is always 200; the outcome is in the last event."""
    before = Scrape(http)
    assert events_of(http, CLIP.read_bytes())[-1][0] == "prediction"
    assert events_of(http, b"")[-1][0] == "problem"
    after = Scrape(http)
    stage, reason = {"stage": "spotting"}, {"reason": "undecodable_media"}
    name = "off_tanet_stage_duration_seconds_count"
    assert after.value(name, **stage) == before.value(name, **stage) + 1
    name = "off_tanet_rejections_total"
    assert after.value(name, **reason) == before.value(name, **reason) + 1


def test_a_refusal_before_routing_has_its_route_and_reason(http: httpx.Client) -> None:
    """An operator needs to see on which route bodies are too large."""
    assert ask_frames(http, bytes(2_000_000), b"").status_code == 413
    scrape = Scrape(http)
    assert scrape.value("off_tanet_requests_total", **FRAMES, code="413") == 1
    assert scrape.value("off_tanet_rejections_total", reason="limit_exceeded") == 1


def test_clients_cannot_create_labels(http: httpx.Client) -> None:
    """Each label value is a permanent time series: a scanner would fill Prometheus' memory."""
    for number in range(20):
        http.get(f"/made/up/{number}?secret={number}")
        http.request(f"MADEUP{number}", "/v1/model")  # the HTTP parser refuses it
        http.request("PROPFIND", "/v1/model")
    scrape = Scrape(http)
    methods = scrape.labels("off_tanet_requests_total", "method")
    assert methods <= {"GET", "POST", "HEAD", "other"}
    routes = scrape.labels("off_tanet_requests_total", "route")
    assert {route for route in routes if "made" in route or "secret" in route} == set()
    assert scrape.value("off_tanet_requests_total", route="unmatched", code="404") == 20
    assert scrape.value("off_tanet_requests_total", method="other", code="405") == 20


def test_files_of_the_pages_are_one_route_each(http: httpx.Client) -> None:
    """Their names would be labels without use."""
    for path in ("/web/main.js", "/web/style.css", "/web/none.js", "/docs/start.js", "/docs/"):
        http.get(path)
    routes = Scrape(http).labels("off_tanet_requests_total", "route")
    found = {route for route in routes if route.startswith(("/web", "/docs"))}
    assert found == {"/web/{name}", "/docs/{name}", "/docs"}


def test_durations_are_told_apart_up_to_the_deadline_of_videos(http: httpx.Client) -> None:
    """Of a video that takes minutes, "more than 30 s" is not enough."""
    assert ask_frames(http, *pair("positive")).status_code == 200
    scrape = Scrape(http)
    for name in ("off_tanet_request_duration_seconds", "off_tanet_stage_duration_seconds"):
        bounds = list(map(float, scrape.labels(f"{name}_bucket", "le")))
        assert sorted(bounds)[-2:] == [Settings().video_deadline_s, float("inf")]


def test_the_state_of_the_engine_is_exposed(http: httpx.Client) -> None:
    scrape = Scrape(http)
    assert scrape.value("off_tanet_workers", state="alive") == 1
    assert scrape.value("off_tanet_workers", state="idle") == 1
    assert scrape.value("off_tanet_queue_depth") == 0
    assert scrape.value("off_tanet_worker_restarts_total") == 0
    card = http.get("/v1/model").json()
    labels = {"name": card["name"], "version": card["version"], "flow_build": card["flow_build"]}
    assert scrape.value("off_tanet_model_info", **labels) == 1
    assert scrape.value("process_resident_memory_bytes") > 0
