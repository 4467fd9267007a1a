"""A restart: requests that cannot be finished end in a problem with a Retry-After."""

from __future__ import annotations

import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.benchmarks import load
from tests.support.processes import workers_of
from tests.support.requests import CLIP, STREAM, sample_video
from tests.support.serving import Server, log_entries, serving, signal_workers, wait_for_metric

pytestmark = pytest.mark.slow

STREAM_HEADER = b"Accept: text/event-stream\r\n"
IDLE = 'off_tanet_workers{state="idle"}'


def upload(path: str, stream: bool) -> bytes:
    request = load.upload(path, {"video": CLIP.read_bytes()})
    more = STREAM_HEADER if stream else b""
    return request.replace(
        b"Host: localhost\r\n", b"Host: localhost\r\nConnection: close\r\n" + more
    )


def answer(server: Server, request: bytes) -> tuple[bytes, bytes]:
    """The head and the body of a response, read to the end of the connection."""
    with socket.create_connection(("127.0.0.1", server.port), 60) as client:
        client.sendall(request)
        received = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


def check_draining(head: bytes, body: bytes, stream: bool) -> None:
    """A problem with 503, or the same as the last event of a stream."""
    if stream and head.startswith(b"HTTP/1.1 200"):
        last = body.decode().rpartition("event: problem\ndata: ")[2].partition("\n")[0]
        problem = json.loads(last)
    else:
        assert head.startswith(b"HTTP/1.1 503"), head
        assert b"retry-after: " in head.lower()
        problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (503, "draining")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("path", ["/v1/predictions/clip", "/v1/predictions/video"])
def test_work_that_outlasts_the_shutdown_timeout(tmp_path: Path, path: str, stream: bool) -> None:
    """Running or queued; the log does not record that the clients disconnected."""
    with (
        serving(
            tmp_path, workers=1, shutdown_timeout_s=0.5, video_shutdown_timeout_s=0.5
        ) as server,
        ThreadPoolExecutor(2) as threads,
    ):
        if path.endswith("video"):
            answer(server, upload(path, stream=False))  # its worker starts with the first video
        signal_workers(server, signal.SIGSTOP)
        pending = [threads.submit(answer, server, upload(path, stream)) for _ in range(2)]
        wait_for_metric(server, "off_tanet_queue_depth", 1.0)
        server.process.send_signal(signal.SIGTERM)
        for future in pending:
            check_draining(*future.result(), stream)
        assert server.process.wait(30) == 0
    entries = [line for line in log_entries(server) if line.get("route") == path][-2:]
    assert [line["problem"] for line in entries] == ["draining"] * 2
    assert "client_gone" not in "".join(server.log)


def test_long_videos_have_a_shutdown_timeout_of_their_own(tmp_path: Path) -> None:
    """Minutes of work are not lost to a timeout meant for short requests."""
    with (
        serving(tmp_path, workers=1, shutdown_timeout_s=0, video_shutdown_timeout_s=60) as server,
        ThreadPoolExecutor(1) as threads,
        server.client() as http,
    ):
        files = {"video": CLIP.read_bytes()}
        assert http.post("/v1/predictions/video", files=files).status_code == 200
        wait_for_metric(server, IDLE, 2.0)
        (worker,) = set(workers_of(server.process.pid)) - {min(workers_of(server.process.pid))}
        os.kill(worker, signal.SIGSTOP)
        pending = threads.submit(answer, server, upload("/v1/predictions/video", stream=True))
        wait_for_metric(server, IDLE, 1.0)
        server.process.send_signal(signal.SIGTERM)
        wait_for_stop(server)
        os.kill(worker, signal.SIGCONT)
        _, body = pending.result()
        assert b"event: spotting" in body
        assert server.process.wait(30) == 0


def wait_for_stop(server: Server) -> None:
    """Wait until the server accepts no more connections."""
    for _ in range(1_000_000):
        try:
            socket.create_connection(("127.0.0.1", server.port), 60).close()
        except ConnectionResetError:  # the server closed its socket during the handshake
            continue
        except ConnectionRefusedError:
            return
    raise AssertionError("the server goes on to listen")


def test_a_request_that_has_not_arrived_is_refused_at_the_end(tmp_path: Path) -> None:
    """A slow body must neither delay the shutdown nor be left without a response."""
    request = upload("/v1/predictions/clip", stream=False)
    with (
        serving(
            tmp_path,
            workers=1,
            shutdown_timeout_s=600,
            video_shutdown_timeout_s=600,
            body_timeout_s=600,
        ) as server,
        socket.create_connection(("127.0.0.1", server.port), 60) as client,
    ):
        client.sendall(request[:2000])
        wait_for_route(server)
        server.process.send_signal(signal.SIGTERM)
        received = b"".join(iter(lambda: client.recv(65536), b""))
        head, _, body = received.partition(b"\r\n\r\n")
        check_draining(head, body, stream=False)
        assert server.process.wait(30) == 0
    errors = [line["message"] for line in log_entries(server) if line["level"] == "error"]
    assert errors == []


def wait_for_route(server: Server) -> None:
    """Let the server read what was sent before: it answers in the order of arrival."""
    with server.client() as http:
        assert http.get("/health/live").status_code == 200


def test_a_stream_that_is_not_read_ends_with_a_problem(tmp_path: Path) -> None:
    """Events that a client does not read must not pile up in the server."""
    with serving(tmp_path, workers=1, max_pending_bytes=100) as server, server.client() as http:
        query = "/v1/predictions/video?include=arrays"
        with http.stream("POST", query, files={"video": sample_video()}, headers=STREAM) as stream:
            lines = list(stream.iter_lines())
        assert "event: problem" in lines
        assert json.loads(lines[lines.index("event: problem") + 1][6:])["code"] == "slow_reader"


def test_a_body_is_released_once_a_worker_has_it(tmp_path: Path) -> None:
    """While a worker processes one upload, another may arrive; an unread stream held both."""
    size = 12_000
    clip = load.upload("/v1/predictions/clip", {"video": bytes(size)})
    request = clip.replace(b"Host: localhost\r\n", b"Host: localhost\r\n" + STREAM_HEADER)
    with (
        serving(
            tmp_path, workers=1, max_inflight_body_bytes=2 * size - 1000, deadline_s=60
        ) as server,
        socket.create_connection(("127.0.0.1", server.port), 60) as first,
        socket.create_connection(("127.0.0.1", server.port), 60) as second,
    ):
        signal_workers(server, signal.SIGSTOP)
        first.sendall(request)
        assert first.recv(12) == b"HTTP/1.1 200"
        wait_for_metric(server, IDLE, 0.0)
        second.sendall(request)
        assert second.recv(12) == b"HTTP/1.1 200"  # 503, if both were held
        signal_workers(server, signal.SIGCONT)
