"""Failures in operation: killed workers, shutdown under load, disconnected clients."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.benchmarks import load
from tests.support.processes import wait_for_end, workers_of
from tests.support.requests import CLIP, STREAM, ask_frames, check_problem, pair
from tests.support.serving import log_entries, serving, signal_workers, wait_for_metric
from tests.support.wire import connected


@pytest.mark.slow
def test_killed_workers_cost_at_most_one_request_each(tmp_path: Path) -> None:
    """The kernel sends SIGKILL when memory runs out, at any moment."""
    onset, apex = pair("positive")
    request = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    kills_after = {5, 10}
    with serving(tmp_path, workers=2, queue_size=8) as server:

        async def client(kills: set[int]) -> list[load.Reply]:
            connection = load.Connection(server.port)
            replies = []
            for number in range(15):
                replies.append(await connection.ask(request))
                if number in kills:
                    os.kill(workers_of(server.process.pid)[0], signal.SIGKILL)
            connection.close()
            return replies

        async def under_fire() -> list[load.Reply]:
            clients = [client(kills_after), *(client(set()) for _ in range(3))]
            return [reply for replies in await asyncio.gather(*clients) for reply in replies]

        failed = [reply for reply in asyncio.run(under_fire()) if reply.status != 200]
        assert len(failed) <= len(kills_after)
        assert all(reply.status == 503 and reply.retry_after for reply in failed)


@pytest.mark.slow
def test_an_idle_worker_that_dies_is_one_line_of_the_log(tmp_path: Path) -> None:
    """An operator needs to know, in a machine-readable form."""
    with serving(tmp_path, workers=1) as server, server.client() as http:
        (worker,) = workers_of(server.process.pid)
        ended = os.pidfd_open(worker)
        os.kill(worker, signal.SIGKILL)
        assert select.select([ended], [], [], 30)[0]
        os.close(ended)
        onset, apex = pair("positive")
        answer = http.post("/v1/predictions/frames", files={"onset": onset, "apex": apex})
        assert answer.status_code == 200
    errors = [line["message"] for line in log_entries(server) if line["level"] == "error"]
    assert errors == ["a worker ended by itself, exit code -9"]


@pytest.mark.slow
def test_workers_end_silently_with_their_parent(tmp_path: Path) -> None:
    """A running one has no parent to answer; Python's traceback would look like an error."""
    with serving(tmp_path, workers=2) as server, server.client() as http:
        workers = [os.pidfd_open(worker) for worker in workers_of(server.process.pid)]
        files = {"video": CLIP.read_bytes()}
        with http.stream("POST", "/v1/predictions/clip", files=files, headers=STREAM) as stream:
            assert next(stream.iter_lines()) == "event: progress"
            server.process.kill()
        for worker in workers:
            assert select.select([worker], [], [], 30)[0]  # it has ended
            os.close(worker)
    assert "Traceback" not in "".join(server.log)


def test_sigterm_finishes_what_was_admitted(tmp_path: Path) -> None:
    """A rolling update must not lose a response."""
    with serving(tmp_path, workers=1) as server, server.client() as http:
        files = {"video": CLIP.read_bytes()}
        with http.stream("POST", "/v1/predictions/clip", files=files, headers=STREAM) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: progress"  # the work has started
            server.process.send_signal(signal.SIGTERM)
            assert "event: prediction" in list(lines)
        assert server.process.wait(30) == 0


@pytest.mark.slow
def test_a_decoder_that_hangs_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    """A stopped process does not even react to SIGTERM, like a decoder that hangs."""
    with serving(tmp_path, workers=1, deadline_s=2) as server, server.client() as http:
        (worker,) = workers_of(server.process.pid)
        os.kill(worker, signal.SIGSTOP)
        check_problem(ask_frames(http, *pair("positive")), 504, "deadline_exceeded")
        wait_for_end(worker, seconds=0)  # it disappeared before its status was read
        wait_for_metric(server, 'off_tanet_workers{state="idle"}', 1.0)
        assert ask_frames(http, *pair("positive")).status_code == 200


@pytest.mark.slow
def test_sigterm_under_load_answers_all_that_was_admitted(tmp_path: Path) -> None:
    """Queued requests were admitted as well as running ones."""
    admitted = 8

    def ask() -> httpx.Response:
        with server.client() as http:
            return ask_frames(http, *pair("positive"))

    with (
        serving(tmp_path, workers=2, queue_size=6) as server,
        ThreadPoolExecutor(admitted) as threads,
    ):
        signal_workers(server, signal.SIGSTOP)
        pending: list[Future[httpx.Response]] = [threads.submit(ask) for _ in range(admitted)]
        wait_for_metric(server, "off_tanet_queue_depth", admitted - 2.0)
        server.process.send_signal(signal.SIGTERM)
        signal_workers(server, signal.SIGCONT)
        assert [future.result().status_code for future in pending] == [200] * admitted
        assert server.process.wait(30) == 0


def test_a_killed_server_leaves_no_process_behind(tmp_path: Path) -> None:
    """The next server needs its cores and memory."""
    with serving(tmp_path, workers=2) as server:
        workers = workers_of(server.process.pid)
        assert len(workers) == 2
        server.process.kill()
        for worker in workers:
            wait_for_end(worker)


def test_a_client_that_disconnects_costs_nothing(tmp_path: Path) -> None:
    """Bodies that stop half-way, and connections that close with the request still in transit."""
    onset, apex = pair("positive")
    request = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    with serving(tmp_path, workers=1, queue_size=0) as server, server.client() as http:
        for cut in [0, 40, 400, 5000] * 5:
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(request[:cut])
        files = {"onset": onset, "apex": apex}
        assert http.post("/v1/predictions/frames", files=files).status_code == 200
        assert not [line for line in server.log if "Traceback" in line]


def test_a_request_waits_for_a_place_before_it_is_refused(tmp_path: Path) -> None:
    """Clients that are refused at once come back at once, and their refusals take the time of the
    good answers. A request that comes while the queue is full is admitted as soon as it is not."""
    onset, apex = pair("positive")
    request = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    with (
        serving(tmp_path, workers=1, queue_size=0, refusal_delay_s=3600) as server,
        server.client() as http,
        connected(server) as first,
        connected(server) as second,
    ):
        signal_workers(server, signal.SIGSTOP)
        for client in (first, second):
            client.sendall(request)
            # The server has looked at the request when it has answered two later ones.
            assert [http.get("/health/live").status_code for _ in range(2)] == [200, 200]
        signal_workers(server, signal.SIGCONT)
        assert [client.recv(12) for client in (first, second)] == [b"HTTP/1.1 200"] * 2


def test_a_client_that_leaves_a_stream_is_counted(tmp_path: Path) -> None:
    """Its 200 has been sent, but must not be counted as a complete response."""
    with serving(tmp_path, workers=1) as server, server.client() as http:
        files = {"video": CLIP.read_bytes()}
        with http.stream("POST", "/v1/predictions/clip", files=files, headers=STREAM) as stream:
            assert next(stream.iter_lines()) == "event: progress"
        assert http.get("/health/live").status_code == 200
        assert server.stop() == 0
    (entry,) = [line for line in log_entries(server) if line.get("route") == "/v1/predictions/clip"]
    assert (entry["status"], entry["problem"]) == (499, "client_gone")


def test_half_closed_connections_are_answered_or_closed(tmp_path: Path) -> None:
    """Old clients close their sending side after the request."""
    with serving(tmp_path, workers=1) as server, server.client() as http:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.settimeout(30)
            client.sendall(load.get("/health/live"))
            client.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: client.recv(65536), b""))
        assert received == b"" or received.startswith(b"HTTP/1.1 200")
        assert http.get("/health/live").status_code == 200
