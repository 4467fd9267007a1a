"""Long videos over HTTP: every expression with its curve, results as they come, limits."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.benchmarks import load
from tests.support import encoders, factories
from tests.support.paths import ROOT
from tests.support.requests import (
    BROWS,
    SMILE,
    VIDEO_ROUTE,
    ask_video,
    check_complete,
    check_problem,
    events_of,
    pair,
    sample_video,
)
from tests.support.serving import Server, serving, started


@pytest.fixture(scope="module")
def video() -> bytes:
    return sample_video()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one worker of each kind and small limits for videos."""
    home = tmp_path_factory.mktemp("videos")
    limits = {"max_video_bytes": 300_000, "max_video_frames": 100, "max_video_seconds": 3.2}
    with serving(
        home, ready=True, workers=1, queue_size=0, video_queue_size=0, **limits
    ) as running:
        yield running


def test_every_expression_has_its_curve(http: httpx.Client, video: bytes) -> None:
    """The main promise: short ones are micro, longer ones macro, and blinks are neither."""
    answer = ask_video(http, video)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    micro, macro = body["expressions"]
    check_complete(micro)
    check_complete(macro)
    assert (micro["kind"], micro["label"]) == ("micro", "surprise")
    assert micro["reason"] is None
    assert micro["expression_probability"] > 0.8
    for found, event in ((micro, BROWS), (macro, SMILE)):
        assert found["onset"]["time_s"] == pytest.approx(event.onset_s, abs=0.15)
        assert found["offset"]["time_s"] == pytest.approx(event.offset_s, abs=0.2)
        assert found["apex"]["index"] == round(found["apex"]["time_s"] * 30)
        assert 0.5 <= found["confidence"] < 1
    assert macro["kind"] == "macro"
    seconds = body["video"].pop("judged_s") + sum(body["video"].pop("unjudged_s").values())
    assert seconds == pytest.approx(93 / 30, abs=0.01)
    assert body["video"] == {
        "frames": 93,
        "frames_with_face": 93,
        "seconds": 3.066667,
        "time_uncertainty_s": 0.0333,
    }
    assert body["warnings"] == ["low_frame_rate"]
    assert set(body["timings_ms"]) >= {"decode", "spotting", "total"}


def test_expressions_are_events_before_the_answer(http: httpx.Client, video: bytes) -> None:
    """Ten minutes of video take a while: the client sees progress and first results."""
    *events, (last, answer) = events_of(http, video, VIDEO_ROUTE)
    names = [name for name, _ in events]
    assert set(names) == {"progress", "expression"}
    assert names.count("progress") == 4, "one for each second of video"
    assert last == "spotting"
    expressions = [body for name, body in events if name == "expression"]
    assert expressions == answer["expressions"]


def test_images_are_returned_on_request(http: httpx.Client, video: bytes) -> None:
    micro, _ = ask_video(http, video, include="flow,attention").json()["expressions"]
    assert micro["flow"].startswith("data:image/png;base64,")
    assert micro["attention"].startswith("data:image/png;base64,")


def test_the_motion_of_the_whole_video_is_returned_on_request(
    http: httpx.Client, video: bytes
) -> None:
    """Ten values a second, which rise during the expressions."""
    answer = ask_video(http, video, include="motion").json()
    times, strengths = (np.array(answer["motion"][name]) for name in ("times_s", "strength_px"))
    assert np.diff(times) == pytest.approx(np.full(len(times) - 1, 0.1), abs=0.04)
    assert times[-1] > 2.8
    for event in answer["expressions"]:
        during = (times >= event["onset"]["time_s"]) & (times <= event["offset"]["time_s"])
        assert strengths[during].max() > 2 * np.median(strengths)
    assert "motion" not in ask_video(http, video).json()


def test_a_video_without_a_face_is_a_problem_in_both_forms(http: httpx.Client) -> None:
    """An empty list would mean a face without expressions."""
    video = factories.mp4(factories.frames())
    check_problem(ask_video(http, video), 422, "no_face")
    name, problem = events_of(http, video, VIDEO_ROUTE)[-1]
    assert (name, problem["code"]) == ("problem", "no_face")


def test_videos_have_limits_of_their_own(small: Server, video: bytes) -> None:
    """Each problem names the setting for videos, not that for clips or bodies."""
    texture = factories.frames(2, 48, 64)
    with small.client() as http:
        for data, limit in (
            (bytes(400_000), "max_video_bytes"),
            (encoders.film(texture * 51, fps=100), "max_video_frames"),
            (encoders.film(texture * 40, fps=20), "max_video_seconds"),
        ):
            assert check_problem(ask_video(http, data), 413, "limit_exceeded")["limit"] == limit
        assert ask_video(http, video).status_code == 200


def test_under_a_prefix_videos_keep_their_limits(tmp_path: Path, video: bytes) -> None:
    """Mounted in another application, paths begin with the prefix."""
    limits = {"workers": 1, "max_body_bytes": 1000, "max_video_bytes": 300_000, "queue_size": 0}
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.web.mounted"]
    with started(command, tmp_path, True, limits) as server, server.client() as http:
        answer = http.post(f"/face{VIDEO_ROUTE}", files={"video": bytes(400_000)})
        assert check_problem(answer, 413, "limit_exceeded")["limit"] == "max_video_bytes"
        assert http.post(f"/face{VIDEO_ROUTE}", files={"video": video}).status_code == 200


def test_a_video_does_not_delay_short_requests(small: Server, video: bytes) -> None:
    """Videos run in workers of their own: without any queue, pairs are answered meanwhile, a
    second video is refused, and a client that disconnects makes room for the next."""
    port = int(small.url.rpartition(":")[2])
    onset, apex = pair("positive")
    short = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    request = load.upload(VIDEO_ROUTE, {"video": video})
    streaming = request.replace(b"\r\n", b"\r\nAccept: text/event-stream\r\n", 1)

    async def status(body: bytes) -> int:
        connection = load.Connection(port)
        try:
            return (await connection.ask(body)).status
        finally:
            connection.close()

    async def run() -> list[int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(streaming)
        await reader.readuntil(b"event: progress")
        statuses = [await status(short), await status(request)]
        writer.close()
        await writer.wait_closed()
        while (later := await status(request)) == 503:
            await asyncio.sleep(0)
        return [*statuses, later]

    assert asyncio.run(run()) == [200, 503, 200]


def test_a_late_video_is_stopped(tmp_path: Path, video: bytes) -> None:
    """It has a deadline of its own, and the stopped worker is replaced."""
    with serving(tmp_path, workers=1, video_deadline_s=0.05) as server, server.client() as http:
        check_problem(ask_video(http, video), 504, "deadline_exceeded")
        onset, apex = pair("positive")
        files = {"onset": onset, "apex": apex}
        assert http.post("/v1/predictions/frames", files=files).status_code == 200
