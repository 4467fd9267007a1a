"""Live streams: frames in, what is known of each out, and the expressions as they become sure."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.support import encoders, factories
from tests.support.live import Event, frames_of, streaming, whole
from tests.support.requests import BROWS, SMILE, ask_video, check_complete, sample_video
from tests.support.serving import Server, log_entries, serving

FACE = factories.jpeg(factories.portrait())
NO_FACE = factories.jpeg(factories.picture(240, 320))
IDLE = 'off_tanet_workers{state="idle"}'

Frames = list[tuple[float, bytes]]


@pytest.fixture(scope="module")
def frames() -> Frames:
    return frames_of(sample_video())


@pytest.fixture(scope="module")
def events(server: Server, frames: Frames) -> list[Event]:
    """What a client hears of a whole stream."""
    with streaming(server) as stream:
        return whole(stream, frames, include="motion")


def named(events: list[Event], name: str) -> list[dict[str, object]]:
    return [body for found, body in events if found == name]


def test_a_stream_has_the_expressions_of_the_video(
    http: httpx.Client, frames: Frames, events: list[Event]
) -> None:
    """The main promise: the same pictures as a video give the same answer."""
    pictures = [picture for _, picture in frames]
    video = encoders.of_jpegs(pictures, "mov", (240, 240), 30)
    same = ask_video(http, video, include="motion").json()
    name, answer = events[-1]
    assert name == "spotting"
    assert answer["expressions"] == named(events, "expression")
    assert [body["label"] for body in answer["expressions"]] == ["surprise", "positive"]
    middle_s = SMILE.apex_s + SMILE.hold_s / 2
    for found, known in zip(answer["expressions"], same["expressions"], strict=True):
        check_complete(found)
        assert (found["kind"], found["label"]) == (known["kind"], known["label"])
        for moment in ("onset", "offset"):
            assert found[moment]["time_s"] == pytest.approx(known[moment]["time_s"], abs=0.04)
        apexes_s = found["apex"]["time_s"], known["apex"]["time_s"]
        if found["kind"] == "micro":
            assert apexes_s[0] == pytest.approx(apexes_s[1], abs=0.04)
        else:  # a smile that is held has no single frame of strongest motion
            assert all(abs(at_s - middle_s) <= SMILE.hold_s / 2 + 0.07 for at_s in apexes_s)
    assert answer["warnings"] == same["warnings"]
    assert answer["video"]["frames"] == same["video"]["frames"] == len(frames)
    assert [event["kind"] for event in answer["events"]] == [
        event["kind"] for event in same["events"]
    ]
    assert answer["motion"]["strength_px"] == pytest.approx(same["motion"]["strength_px"], abs=0.1)


def test_each_frame_is_answered_at_once(frames: Frames, events: list[Event]) -> None:
    """A page draws the motion while it happens, and shows where the face is."""
    seen = named(events, "frame")
    assert [body["index"] for body in seen] == list(range(len(frames)))
    times_s = [at_s for at_s, _ in frames]
    assert [body["time_s"] for body in seen] == pytest.approx(times_s, abs=1e-6)
    assert {body["dropped"] for body in seen} == {0}
    known = [body for body in seen if body["motion_px"] is not None]
    assert len(known) > 0.75 * len(seen)
    times = np.array([body["time_s"] for body in known])
    motion = np.array([body["motion_px"] for body in known])
    for event in (BROWS, SMILE):
        during = (times >= event.onset_s) & (times <= event.offset_s)
        assert motion[during].max() > 3 * np.median(motion)
    x, y, width, height = known[0]["face"]["box"]  # type: ignore[index]
    assert 0 <= x < x + width <= 240
    assert 0 <= y < y + height <= 240


def test_a_slow_worker_gets_the_newest_frame(live: Server) -> None:
    """A camera does not wait; frames are left out, and the client is told how many."""
    with streaming(live) as stream:
        stream.begin()
        for number in range(100):
            stream.send(number / 30, FACE)
        stream.end()
        found, code = stream.ended()
    seen = named(found, "frame")
    assert code == 1000
    assert seen[-1]["index"] == 99, "the newest one"
    assert seen[-1]["dropped"] == 100 - len(seen) > 0
    for place, body in enumerate(seen):
        assert body["index"] == place + body["dropped"]  # type: ignore[operator]
    assert found[-1][1]["video"]["frames"] == len(seen)


def test_frames_without_a_face(live: Server) -> None:
    """A person who sits down late, or leaves, does not end the stream."""
    with streaming(live) as stream:
        stream.begin()
        ((_, absent),) = stream.ask(0, factories.jpeg(factories.picture(512, 512)))
        assert (absent["face"], absent["motion_px"]) == (None, None)
        for number in range(1, 12):
            ((_, present),) = stream.ask(number / 30, FACE)
        assert present["face"] is not None
        stream.end()
        found, code = stream.ended()
    assert (found[-1][0], code) == ("spotting", 1000)


def test_a_stream_that_never_shows_a_face(live: Server) -> None:
    """As with a video: an empty list would mean a face without expressions."""
    with streaming(live) as stream:
        stream.begin()
        stream.ask(0, NO_FACE)
        stream.end()
        assert stream.problem() == ("no_face", 1008)


def test_webp_is_accepted(live: Server) -> None:
    with streaming(live) as stream:
        stream.begin()
        ((name, body),) = stream.ask(0, factories.webp(factories.portrait()))
        assert name == "frame"
        assert body["face"] is not None


def test_the_options_of_a_video(live: Server) -> None:
    """A face crop needs no detector, and several faces have their numbers."""
    with streaming(live) as stream:
        found = whole(stream, [(0, NO_FACE), (0.02, NO_FACE)], face="none")
        assert found[0][1]["face"] == {"box": [0, 0, 320, 240]}
    with streaming(live) as stream:
        frames = [(number / 50, FACE) for number in range(60)]
        answer = whole(stream, frames, faces="all", include="signals")[-1][1]
    assert len(answer["signals"]["time_s"]) == 60


@pytest.mark.slow
def test_a_stream_leaves_a_count_and_nothing_else(tmp_path: Path) -> None:
    """Neither pictures nor addresses nor options are kept."""
    with serving(tmp_path, workers=1) as server, server.client() as http:
        with streaming(server, X_Request_ID="known") as stream:
            whole(stream, [(number / 50, FACE) for number in range(40)])
        counted = 'off_tanet_requests_total{code="101",method="GET",route="/v1/stream"} 1.0'
        assert counted in http.get("/metrics").text
    (entry,) = [line for line in log_entries(server) if line.get("route") == "/v1/stream"]
    assert entry["request_id"] == "known"
    assert entry["status"] == 101
    assert set(entry["stages_ms"]) == {"queue", "decode", "spotting", "total"}
    assert "127.0.0.1:" not in "".join(server.log[5:])
    assert list(tmp_path.iterdir()) == []
