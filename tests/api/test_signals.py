"""The signals of a face on every frame, and the warnings that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from off_tanet.schemas.signals import SignalsBody
from off_tanet.types import Pixels

from tests.api.test_quality import warnings
from tests.support import factories, synthetic_heads
from tests.support.encoders import film
from tests.support.requests import ask_clip, ask_frames, ask_video

STILL = synthetic_heads.still()
NAMES = set(SignalsBody.model_fields)


def filmed(*pictures: synthetic_heads.Floats) -> list[Pixels]:
    return [synthetic_heads.shot(picture, 1.0, seed) for seed, picture in enumerate(pictures)]


def talking(seconds: float, fps: float, syllables: float = 4.0) -> Iterator[synthetic_heads.Floats]:
    """A face whose mouth opens and closes with each syllable, twenty openings apart."""
    openings = [synthetic_heads.opened_mouth(opening) for opening in np.linspace(0, 0.1, 21)]
    for index in range(round(seconds * fps)):
        opening = 0.5 - 0.5 * np.cos(2 * np.pi * syllables * index / fps)
        yield openings[round(20 * opening)]


def signals_of(answer: httpx.Response, frames: int) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    signals: dict[str, Any] = answer.json()["signals"]
    assert set(signals) == NAMES
    assert {len(values) for values in signals.values()} == {frames}
    return signals


def test_a_clip_has_a_value_for_every_frame(http: httpx.Client) -> None:
    other = synthetic_heads.other_scene()
    pictures = filmed(*[STILL] * 6, *[synthetic_heads.closed_eyes()] * 3, *[other] * 3)
    clip = film(pictures, fps=25)
    signals = signals_of(ask_clip(http, clip, include="signals"), 12)
    assert signals["time_s"] == pytest.approx([index / 25 for index in range(12)], abs=1e-6)
    for name in NAMES - {"time_s"}:
        assert [value is None for value in signals[name]] == [False] * 9 + [True] * 3
    for eye in ("right_eye", "left_eye"):
        assert max(signals[eye][6:9]) < 0.8 * min(signals[eye][:6])
    assert min(signals["presence"][:9]) > 0.5
    height, width = STILL.shape[:2]
    assert 0.3 * width < signals["x"][0] < 0.7 * width
    assert 0.3 * height < signals["y"][0] < 0.7 * height


def test_a_turned_head_and_an_open_mouth_are_measured(http: httpx.Client) -> None:
    turned = synthetic_heads.turned(yaw=15)
    pictures = filmed(*[STILL] * 4, *[turned] * 4, *[synthetic_heads.opened_mouth(0.2)] * 4)
    clip = film(pictures, fps=25)
    signals = signals_of(ask_clip(http, clip, include="signals"), 12)
    assert abs(signals["yaw"][6] - signals["yaw"][2]) == pytest.approx(12, abs=6)
    assert signals["mouth"][10] > signals["mouth"][2] + 0.08


def test_a_video_has_them_once(http: httpx.Client) -> None:
    clip = film(filmed(*talking(2, 30)), fps=30)
    answer = ask_video(http, clip, include="signals")
    signals = signals_of(answer, 60)
    assert not [found for found in answer.json()["expressions"] if "signals" in found]
    assert np.ptp(signals["mouth"]) > 0.05


def test_two_pictures_have_two_rows(http: httpx.Client) -> None:
    pictures = [factories.png(pixels) for pixels in filmed(STILL, 0.8 * STILL)]
    signals = signals_of(ask_frames(http, pictures[0], pictures[1], include="signals"), 2)
    assert signals["time_s"] == [0, 0]
    assert signals["brightness"][1] == pytest.approx(0.8 * signals["brightness"][0], rel=0.05)
    assert signals["surroundings"][1] == pytest.approx(0.8 * signals["surroundings"][0], rel=0.05)


def test_there_are_none_unless_a_face_is_tracked(http: httpx.Client) -> None:
    clip = film(filmed(*[STILL] * 4), fps=25)
    assert "signals" not in ask_clip(http, clip).json()
    assert "signals" not in ask_clip(http, clip, include="signals", face="none").json()


def test_speech_is_told_for_clips_and_videos(http: httpx.Client) -> None:
    """Expressions that are found while a face speaks are most likely those of the mouth."""
    clip = film(filmed(*talking(2, 60)), fps=60)
    assert "speech" in warnings(ask_clip(http, clip))
    body = ask_video(http, clip).json()
    assert body["warnings"] == ["speech"]
    micro = [found for found in body["expressions"] if found["kind"] == "micro"]
    assert all("speech" in found["quality"]["warnings"] for found in micro)


def test_one_opening_of_the_mouth_is_not_speech(http: httpx.Client) -> None:
    pictures = [STILL] * 20 + list(talking(0.5, 60, syllables=2)) + [STILL] * 20
    assert "speech" not in warnings(ask_clip(http, film(filmed(*pictures), fps=60)))


@pytest.mark.parametrize(("fps", "expected"), [(25, True), (49, True), (50, False), (120, False)])
def test_a_low_frame_rate_is_told(http: httpx.Client, fps: int, expected: bool) -> None:
    clip = film(filmed(*[STILL] * 12), fps=fps)
    assert ("low_frame_rate" in warnings(ask_clip(http, clip))) == expected
    assert ("low_frame_rate" in ask_video(http, clip).json()["warnings"]) == expected


def backlit(face: float, around: float) -> synthetic_heads.Floats:
    """The portrait at a share of its brightness, in front of a wall of one brightness."""
    height, width = STILL.shape[:2]
    head = np.zeros((height, width), np.uint8)
    centre = (round(0.485 * width), round(0.4 * height))
    cv2.ellipse(head, centre, (round(0.2 * width), round(0.33 * height)), 0, 0, 360, 255, -1)
    cv2.rectangle(head, (0, round(0.7 * height)), (width, height), 255, -1)
    share = cv2.GaussianBlur(head, (0, 0), 2.0).astype(np.float32)[..., None] / 255
    return np.asarray(STILL * face * share + around * (1 - share), np.float32)


LIGHTS: dict[str, tuple[synthetic_heads.Floats, set[str]]] = {
    "plain": (STILL, set()),
    "dark": (STILL * np.float32(0.2), {"dark"}),
    "against a window": (backlit(0.35, 240), {"backlit"}),
    "black against a window": (backlit(0.2, 240), {"dark", "backlit"}),
    "in front of a white wall": (backlit(0.6, 240), set()),
    "dim in a dim room": (backlit(0.35, 60), set()),
}


@pytest.mark.parametrize("name", LIGHTS)
def test_the_light_of_a_face_is_judged(http: httpx.Client, name: str) -> None:
    picture, expected = LIGHTS[name]
    pictures = filmed(*[picture] * 8)
    onset, apex = (factories.png(pixels) for pixels in pictures[:2])
    clip = film(pictures, fps=60)
    answers: Sequence[set[str]] = (
        warnings(ask_frames(http, onset, apex)),
        warnings(ask_clip(http, clip)),
        set(ask_video(http, clip).json()["warnings"]),
    )
    for found in answers:
        assert found & {"dark", "backlit"} == expected
