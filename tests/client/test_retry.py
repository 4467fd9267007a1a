"""Retries: busy services and broken connections, for as long as it makes sense."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import numpy as np
import pytest
from off_tanet import visualization
from off_tanet.api.openapi_answers import EXPRESSION
from off_tanet.client import AsyncClient, Client, RetryPolicy
from off_tanet.client.problems import UnknownProblemError
from off_tanet.errors import (
    DeadlineError,
    OffTanetError,
    QueueFullError,
    QuotaError,
    WorkerLostError,
)
from off_tanet.schemas.pictures import ArraysBody

from tests.support.requests import pair
from tests.support.serving import Server

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers and body; status 0 closes the connection."""


def problem(status: int, code: str, retry_after: str | None = None) -> Reply:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return status, headers, json.dumps({"status": status, "code": code, "detail": code}).encode()


BUSY = problem(503, "queue_full", "3")
HANGS_UP: Reply = (0, {}, b"")


@contextmanager
def canned(*replies: Reply) -> Iterator[str]:
    """The URL of a service that gives these responses, one after the other."""
    left = iter(replies)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, headers, body = next(left)
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Discard the log line."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def good(server: Server) -> Reply:
    """A real response to a pair."""
    onset, apex = pair("positive")
    with server.client() as http:
        answer = http.post(
            "/v1/predictions/frames?include=arrays,crops", files={"onset": onset, "apex": apex}
        )
    return 200, {}, answer.content


def test_a_busy_service_is_retried_after_its_retry_after(good: Reply) -> None:
    """After `Retry-After` plus a random part, so that clients do not return together."""
    pauses: list[float] = []
    replies = BUSY, problem(429, "quota_exceeded", "7"), HANGS_UP, good
    with canned(*replies) as url, Client(url, sleep=pauses.append) as client:
        assert client.frames(b"", b"").label == "positive"
    assert len(pauses) == 3
    assert 3 <= pauses[0] <= 3.75
    assert 7 <= pauses[1] <= 8.75
    assert 2 <= pauses[2] <= 2.5  # without Retry-After: twice as long each time


def test_the_asynchronous_client_retries_alike(good: Reply) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def run(url: str) -> str | None:
        async with AsyncClient(url, sleep=sleep) as client:
            return (await client.frames(b"", b"")).label

    with canned(BUSY, HANGS_UP, good) as url:
        assert asyncio.run(run(url)) == "positive"
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ([BUSY] * 3, QueueFullError),  # as often as allowed
        ([problem(429, "quota_exceeded", "3600")], QuotaError),  # an hour is too long
        ([problem(504, "deadline_exceeded")], DeadlineError),  # it would be late again
        ([HANGS_UP] * 3, httpx.RemoteProtocolError),
        ([(502, {}, b"<html>bad gateway</html>")], UnknownProblemError),
        ([(400, {}, b"[]")], UnknownProblemError),
        ([problem(418, "teapot")], UnknownProblemError),
    ],
)
def test_retries_are_limited(replies: list[Reply], error: type[Exception]) -> None:
    pauses: list[float] = []
    retry = RetryPolicy(attempts=3, longest_pause_s=30)
    with (
        canned(*replies) as url,
        Client(url, retry=retry, sleep=pauses.append) as client,
        pytest.raises(error),
    ):
        client.frames(b"", b"")
    assert len(pauses) == len(replies) - 1


def reported_expression() -> dict[str, object]:
    """The data of an `expression` event, as the client requests it."""
    flow, attention = np.zeros((2, 112, 112), np.float32), np.zeros((14, 14), np.float32)
    crop = visualization.data_uri(visualization.crop_png(np.zeros((112, 112), np.uint8)))
    arrays = ArraysBody.of(flow, attention).model_dump()
    return {**EXPRESSION, "arrays": arrays, "crops": {"onset": crop, "apex": crop}}


def test_a_stream_with_reported_results_is_not_retried() -> None:
    """Otherwise the caller would get the same expression twice."""
    expression = json.dumps(reported_expression())
    lost = '{"status":503,"code":"worker_lost","detail":"The worker died under this request."}'
    events = f"event: expression\ndata: {expression}\n\nevent: problem\ndata: {lost}\n\n".encode()
    reply: Reply = (200, {"Content-Type": "text/event-stream"}, events)
    found: list[object] = []
    with canned(reply) as url, Client(url) as client, pytest.raises(WorkerLostError):
        client.video(b"", on_expression=found.append)
    assert len(found) == 1


def test_a_stream_that_breaks_off_is_an_error() -> None:
    """A partial answer must not pass for a complete one."""
    step = b'event: progress\ndata: {"stage":"decode","done":1,"total":9}\n\n'
    reply: Reply = (200, {"Content-Type": "text/event-stream"}, step)
    retry = RetryPolicy(attempts=1)
    with (
        canned(reply) as url,
        Client(url, retry=retry) as client,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        client.clip(b"", progress=lambda *_: None)


def test_errors_keep_their_attributes() -> None:
    """Errors are passed between processes; one that cannot be pickled would end them."""
    error = UnknownProblemError("The service answered with status 502.", 502)
    again = pickle.loads(pickle.dumps(error))
    assert (again.status, again.code, str(again.detail)) == (502, "unknown", error.detail)
    assert isinstance(again, OffTanetError)
