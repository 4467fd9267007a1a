"""How live streams end: whatever the reason, the client is told, and the worker is free again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support import factories
from tests.support.live import Stream, streaming, whole
from tests.support.processes import workers_of
from tests.support.serving import Server, log_entries, serving

FACE = factories.jpeg(factories.portrait())
NO_FACE = factories.jpeg(factories.picture(240, 320))


@pytest.mark.parametrize(
    ("picture", "code", "close"),
    [
        (factories.truncated(FACE), "undecodable_media", 1007),
        (factories.text(), "unsupported_media_type", 1003),
        (factories.png(factories.portrait()), "unsupported_media_type", 1003),
        (factories.jpeg(factories.picture(600, 600)), "limit_exceeded", 1009),
        (NO_FACE, "frame_sizes_differ", 1007),
        (bytes(600_001), "limit_exceeded", 1009),
    ],
    ids=["truncated", "text", "png", "pixels", "size", "bytes"],
)
def test_a_bad_picture_ends_the_stream(live: Server, picture: bytes, code: str, close: int) -> None:
    """Its client has to be mended; the next stream has the same worker."""
    before = workers_of(live.process.pid)
    with streaming(live) as stream:
        stream.begin()
        stream.ask(0, FACE)
        stream.send(1 / 30, picture)
        assert stream.problem() == (code, close)
    with streaming(live) as stream:
        stream.begin()
    assert set(before) <= set(workers_of(live.process.pid))


@pytest.mark.parametrize("times_s", [(1.0, 1.0), (1.0, 0.5), (-1.0,), (float("nan"),)])
def test_times_increase(live: Server, times_s: tuple[float, ...]) -> None:
    with streaming(live) as stream:
        stream.begin()
        for time_s in times_s:
            stream.send(time_s, FACE)
        assert stream.problem() == ("invalid_request", 1008)


def test_what_was_found_is_told_before_the_reason_for_an_end(live: Server) -> None:
    """Twenty minutes of watching must not be lost to a limit."""
    with streaming(live) as stream:
        stream.begin()
        stream.ask(0, FACE)
        stream.send(60.5, FACE)
        found, code = stream.ended()
    assert [name for name, _ in found] == ["spotting", "problem"]
    assert found[1][1]["limit"] == "max_stream_seconds"
    assert code == 1008


def test_a_gap_divides_a_stream(live: Server) -> None:
    """What happens between two scenes is not judged, and a pause is not a slow camera."""
    with streaming(live) as stream:
        answer = whole(stream, [(at_s, FACE) for at_s in (0, 0.02, 0.04, 30, 30.02)])[-1][1]
    assert answer["video"]["unjudged_s"] == {"cut": pytest.approx(29.96)}
    assert answer["video"]["judged_s"] == pytest.approx(0.08, abs=0.01)
    assert answer["expressions"] == []


def test_an_idle_client_is_let_go(tmp_path: Path) -> None:
    """A tab in the background must not keep the only worker."""
    with serving(tmp_path, workers=1, stream_idle_timeout_s=0.3) as server:
        with streaming(server) as stream:
            stream.begin()
            stream.ask(0, FACE)
            found, code = stream.ended()
        assert [name for name, _ in found] == ["spotting", "problem"]
        assert (found[-1][1]["code"], code) == ("slow_request", 1008)


def ready_again(server: Server) -> None:
    """Open streams until one gets the worker."""
    while True:
        with streaming(server) as stream:
            stream.start()
            name, body = stream.event()
            if name == "ready":
                return
            assert body["code"] == "queue_full"


def test_a_further_client_is_refused_until_the_first_one_leaves(live: Server) -> None:
    """A client that vanishes without a word makes room, and costs no process."""
    with streaming(live) as first:
        first.begin()
        before = workers_of(live.process.pid)
        with streaming(live) as second:
            second.start()
            assert second.problem() == ("queue_full", 1013)
        first.ask(0, FACE)
        first.connection.socket.close()
        ready_again(live)
    assert workers_of(live.process.pid) == before


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "malformed_json"),
        ('{"event": "end"}', "invalid_request"),
        ('{"event": "start", "data": {"colour": "red"}}', "invalid_request"),
        ('{"event": "start", "data": {"face": "middle"}}', "invalid_request"),
        ('{"event": "start", "data": {"face": 1}}', "invalid_request"),
        ('{"event": "start", "data": {"face": "1", "faces": "all"}}', "invalid_request"),
        (b"12345678picture", "invalid_request"),
    ],
)
def test_a_wrong_first_message(live: Server, message: str | bytes, code: str) -> None:
    with streaming(live) as stream:
        stream.connection.send(message)
        assert stream.problem() == (code, 1008)


def test_a_service_without_streams(tmp_path: Path) -> None:
    with serving(tmp_path, workers=1, stream_workers=0) as server:
        with streaming(server) as stream:
            assert stream.problem() == ("streams_off", 1008)
        with server.client() as http:
            assert http.get("/web/service.json").json()["streams"] is False


def killed(stream: Stream, server: Server, number: signal.Signals) -> tuple[str, int]:
    """How a stream ends whose worker receives a signal."""
    before = workers_of(server.process.pid)
    stream.begin()
    stream.ask(0, FACE)
    (worker,) = set(workers_of(server.process.pid)) - set(before)
    os.kill(worker, number)
    stream.send(1 / 30, FACE)
    return stream.problem()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "close"),
    [
        (signal.SIGKILL, "worker_lost", 1013),
        (signal.SIGSTOP, "deadline_exceeded", 1011),
    ],
)
def test_a_worker_that_fails(tmp_path: Path, number: signal.Signals, code: str, close: int) -> None:
    """It ends its stream, and another one takes its place."""
    with serving(tmp_path, workers=1, deadline_s=3) as server:
        with streaming(server) as stream:
            assert killed(stream, server, number) == (code, close)
        ready_again(server)


@pytest.mark.slow
def test_a_shutdown_tells_what_was_found(tmp_path: Path) -> None:
    """A restart does not wait for a stream that has no end."""
    with serving(tmp_path, workers=1, shutdown_timeout_s=600) as server:
        with streaming(server) as waiting, streaming(server) as stream:
            stream.begin()
            stream.ask(0, FACE)
            server.process.send_signal(signal.SIGTERM)
            found, code = stream.ended()
            assert [name for name, _ in found] == ["spotting", "problem"]
            assert (found[-1][1]["code"], code) == ("draining", 1001)
            assert waiting.problem() == ("draining", 1001)
        assert server.process.wait(30) == 0
    entries = log_entries(server)
    assert [line["message"] for line in entries if line["level"] == "error"] == []
    assert [line["problem"] for line in entries if line.get("route")] == ["draining"] * 2
