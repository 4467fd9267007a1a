"""Requests that many tests send, their media, and checks of the responses."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.types import REASONS

from tests.support import encoders, synthetic_video
from tests.support.synthetic_video import Event, Scene

SAMPLES = ASSETS / "samples"
CLIP = SAMPLES / "clip.mp4"
CLASSES = ("negative", "positive", "surprise")
BROWS = Event(onset_s=0.6, apex_s=0.8, offset_s=1.05, label=2, px=1.8, seed=8)
SMILE = Event(onset_s=1.6, apex_s=1.9, offset_s=2.7, label=1, px=2.0, seed=4, hold_s=0.4)
CLIP_ROUTE = "/v1/predictions/clip"
VIDEO_ROUTE = "/v1/predictions/video"
MODEL = "off-tanet"
INFER = f"/v2/models/{MODEL}/infer"
STREAM = {"Accept": "text/event-stream"}


def pair(name: str) -> tuple[bytes, bytes]:
    """Onset and apex of a sample."""
    onset, apex = (SAMPLES / f"{name}_{moment}.jpg" for moment in ("onset", "apex"))
    return onset.read_bytes(), apex.read_bytes()


def sample_video(**options: str) -> bytes:
    """Three seconds of a face that raises its brows, blinks, and smiles for longer."""
    scene = Scene(3.1, 30, (BROWS, SMILE), blinks=(0.3, 1.35), seed=5)
    return encoders.film(list(synthetic_video.film(scene)), fps=30, options=options)


def ask_frames(http: httpx.Client, onset: bytes, apex: bytes, **query: str) -> httpx.Response:
    files = {"onset": ("onset", onset), "apex": ("apex", apex)}
    return http.post("/v1/predictions/frames", files=files, params=query)


def ask_clip(http: httpx.Client, video: bytes, **query: str) -> httpx.Response:
    return http.post(CLIP_ROUTE, files={"video": ("video", video)}, params=query)


def ask_video(http: httpx.Client, video: bytes, **query: str) -> httpx.Response:
    return http.post(VIDEO_ROUTE, files={"video": ("video", video)}, params=query)


def events_of(
    http: httpx.Client, video: bytes, route: str = CLIP_ROUTE
) -> list[tuple[str, dict[str, Any]]]:
    """The server-sent events of a clip or video: names and data."""
    found = []
    with http.stream("POST", route, files={"video": video}, headers=STREAM) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for block in "".join(stream.iter_text()).strip().split("\n\n"):
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def check_complete(answer: dict[str, object]) -> None:
    """Check everything that the API guarantees for any prediction."""
    probabilities = answer["probabilities"]
    assert isinstance(probabilities, dict)
    assert set(probabilities) == set(CLASSES)
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert all(np.isfinite(value) and 0 <= value <= 1 for value in probabilities.values())
    most_likely = max(probabilities, key=lambda name: probabilities[name])
    assert answer["label"] == (most_likely if answer["reason"] is None else None)
    assert answer["reason"] in (None, *REASONS)
    expressive = answer["expression_probability"]
    assert isinstance(expressive, float)
    assert 0 <= expressive <= 1
    assert {"id", "model", "onset", "apex", "face", "quality", "timings_ms"} <= set(answer)


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """Check a problem by RFC 9457; return its members."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = answer.json()
    members = {"type", "title", "status", "detail", "instance", "code", "request_id"}
    assert set(problem) - {"limit"} == members
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"]
    return problem


def some_flows(count: int) -> NDArray[np.float32]:
    """Different flows [count, 2, 112, 112] of the size of facial motion."""
    noise = np.random.default_rng(count).standard_normal((count, 2, 112, 112), np.float32)
    return noise * np.linspace(0.1, 2, count, dtype=np.float32)[:, None, None, None]


def described(flows: NDArray[np.float32]) -> dict[str, Any]:
    """A request in nested JSON, as written by hand."""
    data = flows.tolist()
    return {
        "inputs": [{"name": "flow", "datatype": "FP32", "shape": list(flows.shape), "data": data}]
    }
