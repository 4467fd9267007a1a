"""Traces as a collector receives them: from the real server, over real OTLP."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from off_tanet.cli import main
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.api.test_log import MARK
from tests.support.collector import Collector, attributes, collecting
from tests.support.requests import CLIP, INFER, ask_frames, described, events_of, pair, some_flows
from tests.support.serving import serving, warming_up

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
STAGES = {
    "/v1/predictions/frames": ["queue", "decode", "face", "flow", "inference", "quality"],
    "/v1/predictions/clip": [
        "queue",
        "decode",
        "face",
        "spotting",
        "flow",
        "inference",
        "quality",
    ],
    "/v2/models/{name}/infer": ["queue", "decode", "inference"],
}


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """What a server has exported after one request of each kind, once it has stopped."""
    home = tmp_path_factory.mktemp("traced")
    with collecting() as collector:
        with serving(home, workers=1, otlp_endpoint=collector.url) as server:
            with server.client() as http:
                ask(http)
            assert server.stop() == 0
        return collector


def ask(http: httpx.Client) -> None:
    onset, apex = pair("positive")
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "visit-7"}
    files = {"onset": (MARK, onset), "apex": (MARK, apex)}
    http.post("/v1/predictions/frames", files=files, headers=headers)
    events_of(http, CLIP.read_bytes())
    http.post(INFER, json=described(some_flows(1)), headers={"traceparent": MARK})
    http.get(f"/{MARK}?{MARK}={MARK}", headers={"User-Agent": MARK})
    unsampled = {"traceparent": f"00-{TRACE[::-1]}-{PARENT}-00"}
    http.get("/health/live", headers=unsampled)


def servers(collector: Collector) -> list[Span]:
    return [span for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER]


def test_each_request_is_a_span(collector: Collector) -> None:
    """It is named by its route, so that clients cannot create names."""
    assert [span.name for span in servers(collector)] == [
        *(f"POST {route}" for route in STAGES),
        "GET",
    ]
    frames, *_, lost = servers(collector)
    assert attributes(frames) == {
        "http.request.method": "POST",
        "http.route": "/v1/predictions/frames",
        "http.response.status_code": 200,
        "off_tanet.request_id": "visit-7",
    }
    assert (
        attributes(lost).items()
        >= {
            "http.response.status_code": 404,
            "error.type": "not_found",
        }.items()
    )
    (resource,) = {
        request.resource_spans[0].resource.SerializeToString() for request in collector.requests
    }
    assert b"off-tanet" in resource


def test_the_clients_trace_is_continued(collector: Collector) -> None:
    """Otherwise a slow answer could not be found from the client's side."""
    frames, clip, infer, _ = servers(collector)
    assert (frames.trace_id.hex(), frames.parent_span_id.hex()) == (TRACE, PARENT)
    for other in (clip, infer):  # none was sent, or a malformed one
        assert other.trace_id.hex() != TRACE
        assert other.parent_span_id == b""


def test_the_clients_sampling_decision_is_respected(collector: Collector) -> None:
    assert TRACE[::-1] not in {span.trace_id.hex() for span in collector.spans}


def test_each_stage_is_a_span_inside_its_request(collector: Collector) -> None:
    """In their order, one after the other, starting with the wait for a worker."""
    for request in servers(collector)[:3]:
        stages = [span for span in collector.spans if span.parent_span_id == request.span_id]
        assert [span.name for span in stages] == STAGES[str(attributes(request)["http.route"])]
        assert {span.trace_id for span in stages} == {request.trace_id}
        moments = [request.start_time_unix_nano]
        for span in stages:
            moments += [span.start_time_unix_nano, span.end_time_unix_nano]
        assert moments == sorted(moments)
        assert moments[-1] <= request.end_time_unix_nano


def test_a_trace_contains_nothing_of_the_client(collector: Collector) -> None:
    """No name, query, header or address."""
    sent = b"".join(collector.bodies)
    assert MARK.encode() not in sent
    assert b"127.0.0.1" not in sent


def test_an_error_of_the_service_is_an_error_of_its_span(tmp_path: Path) -> None:
    with collecting() as collector:
        starting = warming_up(tmp_path, otlp_endpoint=collector.url)
        with starting as server, server.client() as http:
            assert ask_frames(http, b"", b"").status_code == 503
        (span,) = collector.spans
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "warming_up"


@pytest.mark.slow
def test_an_unresponsive_collector_costs_nothing(tmp_path: Path) -> None:
    """Requests are answered as usual, and the shutdown keeps its time limit."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/otlp/"
        with serving(tmp_path, workers=1, otlp_endpoint=url, shutdown_timeout_s=1) as server:
            with server.client() as http:
                for _ in range(600):  # more than one batch
                    assert http.get("/health/live").status_code == 200
                assert ask_frames(http, *pair("positive")).status_code == 200
            assert server.stop() == 0
        connection, _ = deaf.accept()
        with connection:
            assert connection.recv(100).startswith(b"POST /otlp/v1/traces HTTP/1.1\r\n")


@pytest.mark.parametrize("endpoint", [None, ""])
def test_without_an_endpoint_nothing_is_imported(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None
) -> None:
    """Without tracing the packages need not be installed; an empty variable counts as unset."""
    if endpoint is not None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    program = (
        "import sys; from off_tanet.api.app import create_app; create_app();"
        "print([name for name in sys.modules if name.startswith(("
        "'opentelemetry.sdk', 'opentelemetry.exporter', 'requests'))])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert json.loads(ran.stdout) == []


def test_without_the_extra_the_start_fails_with_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.delitem(sys.modules, "off_tanet.api.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert main(["serve"]) == 2
    assert capsys.readouterr().err == (
        "off-tanet: OTEL_EXPORTER_OTLP_ENDPOINT needs the extra otel: "
        "pip install 'off-tanet[otel]'\n"
    )
