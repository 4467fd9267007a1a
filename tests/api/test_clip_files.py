"""Real-world clips over HTTP: decoded upright, or refused with what to do."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from off_tanet.types import Pixels

from tests.support import factories
from tests.support.encoders import film, of_jpegs
from tests.support.paths import ROOT
from tests.support.requests import ask_clip, check_complete, check_problem
from tests.support.serving import started

WIDE = "log-level=none:sar=2/1"
FACE = [np.ascontiguousarray(factories.portrait()[:320, 60:380])] * 6
LONG = factories.mp4(factories.frames(3) * 400, 100.0)


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("degrees", [0, 90])
def test_a_face_is_found_in_any_camera_orientation(
    http: httpx.Client, degrees: int, across: bool, down: bool
) -> None:
    """A mirrored clip whose mirroring was dropped came out upside down: `no_face`."""
    display = (degrees, across, down)
    stored = [_stored(pixels, *display) for pixels in FACE]
    answer = ask_clip(http, film(stored, display=display))
    assert answer.status_code == 200, answer.text
    check_complete(answer.json())
    landmarks = answer.json()["face"]["landmarks"]
    assert landmarks["left_eye"][1] < landmarks["mouth_left"][1]
    assert abs(landmarks["left_eye"][1] - landmarks["right_eye"][1]) < 20


def _stored(pixels: Pixels, degrees: int, across: bool, down: bool) -> Pixels:
    """The image that is upright after it is turned and mirrored in this way."""
    pixels = pixels[::-1] if down else pixels
    pixels = pixels[:, ::-1] if across else pixels
    return np.ascontiguousarray(np.rot90(pixels, -degrees // 90))


def test_a_face_in_narrow_pixels_keeps_its_proportions(http: httpx.Client) -> None:
    """Its box is in the pixels that a player shows."""
    narrow = [np.ascontiguousarray(pixels[:, ::2]) for pixels in FACE]
    boxes = [
        ask_clip(http, data).json()["face"]["box"]
        for data in (film(FACE), film(narrow, options={"x264-params": WIDE}))
    ]
    assert boxes[1] == pytest.approx(boxes[0], abs=8)


def _changed(data: bytes) -> bytes:
    """Change ten bytes of coded data, one in each hundredth."""
    places = range(len(data) // 2, len(data) // 2 + len(data) // 10, len(data) // 100)
    changed = bytearray(data)
    for place in places:
        changed[place] ^= 0x55
    return bytes(changed)


@pytest.mark.parametrize("kind", ["gif", "avi"])
def test_damage_that_a_decoder_conceals_is_reported(http: httpx.Client, kind: str) -> None:
    """FFmpeg fills in what it cannot decode, which would be the largest motion of the clip."""
    moved = [np.roll(pixels, shift, axis=0) for shift, pixels in enumerate(FACE)]
    jpegs = [factories.jpeg(pixels) for pixels in moved]
    whole = factories.gif(moved) if kind == "gif" else of_jpegs(jpegs, "avi", (320, 320))
    if kind == "gif":
        damaged = _changed(whole)
    else:
        damaged = of_jpegs([*jpegs[:3], _changed(jpegs[3]), *jpegs[4:]], "avi", (320, 320))
    for data, is_damaged in ((whole, False), (damaged, True)):
        answer = ask_clip(http, data)
        assert answer.status_code == 200, answer.text
        assert ("damaged_video" in answer.json()["quality"]["warnings"]) == is_damaged


@pytest.mark.parametrize("container", ["mpegts", "flv", "h264"])
def test_an_unsupported_format_is_refused_with_an_alternative(
    http: httpx.Client, container: str
) -> None:
    codec = "flv" if container == "flv" else "libx264"
    answer = ask_clip(http, film(factories.frames(8), container, codec))
    problem = check_problem(answer, 415, "unsupported_media_type")
    assert "is not a supported clip format: ffmpeg " in str(problem["detail"])


def test_a_clip_that_is_too_long_is_referred_to_the_route_for_videos(http: httpx.Client) -> None:
    """A minute of video was meant for the other route."""
    body = {"input": {"type": "clip", "video": base64.b64encode(LONG).decode()}}
    for answer in (ask_clip(http, LONG), http.post("/v1/predictions", json=body)):
        problem = check_problem(answer, 413, "limit_exceeded")
        assert problem["limit"] == "max_frames"
        assert "POST /v1/predictions/video" in str(problem["detail"])


def test_under_a_prefix_the_route_for_videos_has_the_prefix(tmp_path: Path) -> None:
    """The path in the message must work as it is."""
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.web.mounted"]
    with started(command, tmp_path, True, {"workers": 1}) as server, server.client() as http:
        answer = http.post("/face/v1/predictions/clip", files={"video": LONG})
    problem = check_problem(answer, 413, "limit_exceeded")
    assert "POST /face/v1/predictions/video" in str(problem["detail"])
