"""Answers without a label: where there is no expression, the reason is given instead of a class."""

from __future__ import annotations

import json
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from off_tanet.types import REASONS, Pixels
from off_tanet_export.synthesis import face_generator

from tests.api.test_quality import filmed
from tests.api.test_signals import talking
from tests.support import factories, synthetic_heads, synthetic_video
from tests.support.encoders import film
from tests.support.requests import (
    CLIP_ROUTE,
    STREAM,
    ask_clip,
    ask_frames,
    check_complete,
    pair,
)
from tests.support.synthetic_video import Event, Scene

STILL = synthetic_heads.still()
BLINK = list(synthetic_video.film(Scene(1.0, 60, blinks=(0.5,))))
LIDS_DOWN = 30  # index of the frame


def drawn(seed: int) -> Pixels:
    """A face that is made up, on the wall of the portrait."""
    face = face_generator.draw(np.random.default_rng(seed), 300)
    canvas = synthetic_heads.shot(synthetic_heads.other_scene())
    canvas[80:380, 100:400] = np.clip(face, 0, 255).astype(np.uint8)[..., None]
    return canvas


def answer_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    check_complete(body)
    return body


def asked(http: httpx.Client, onset: Pixels, apex: Pixels) -> dict[str, Any]:
    return answer_of(ask_frames(http, factories.png(onset), factories.png(apex)))


PAIRS = {
    "two people": ((drawn(0), drawn(1)), "different_scenes"),
    "a portrait and another person": (
        (synthetic_heads.shot(STILL), drawn(2)),
        "different_scenes",
    ),
    "a covered face": (filmed((STILL, 1), (synthetic_heads.covered(STILL), 1)), "occluded"),
    "closed eyes": ((BLINK[0], BLINK[LIDS_DOWN]), "blink_only"),
    "opened eyes": ((BLINK[LIDS_DOWN], BLINK[0]), "blink_only"),
    "a turn": (filmed((STILL, 1), (synthetic_heads.turned(yaw=6), 1)), "head_motion"),
    "a nod": (filmed((STILL, 1), (synthetic_heads.turned(pitch=5), 1)), "head_motion"),
    "a tilt": (filmed((STILL, 1), (synthetic_heads.turned(roll=8), 1)), "head_motion"),
    "a still face": (filmed((STILL, 2)), "no_motion"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_without_an_expression_has_no_label(http: httpx.Client, name: str) -> None:
    """A class for what is none would be believed: its probability says nothing about that."""
    (onset, apex), reason = PAIRS[name]
    body = asked(http, onset, apex)
    assert (body["label"], body["reason"]) == (None, reason)


def test_two_people_are_not_likely_to_show_an_expression(http: httpx.Client) -> None:
    (people, _), (faces, _) = PAIRS["two people"], PAIRS["a still face"]
    assert asked(http, *people)["expression_probability"] == 0
    assert asked(http, *faces)["expression_probability"] < 0.5


@pytest.mark.parametrize("name", ["negative", "positive", "surprise"])
def test_an_expression_is_named(http: httpx.Client, name: str) -> None:
    body = answer_of(ask_frames(http, *pair(name)))
    assert (body["label"], body["reason"]) == (name, None)
    assert body["expression_probability"] > 0.8


def test_a_person_in_another_place_and_light_stays_the_same_person(http: httpx.Client) -> None:
    """What moves between two frames of one recording must not look like a cut."""
    moved = synthetic_heads.shifted(synthetic_heads.turned(yaw=12), 15, 8) * np.float32(0.8)
    body = asked(http, *filmed((STILL, 1), (moved, 1)))
    assert body["reason"] != "different_scenes"
    assert "cut" not in body["quality"]["warnings"]


def test_a_person_who_speaks_makes_no_expression(http: httpx.Client) -> None:
    body = answer_of(ask_clip(http, film(filmed(*((each, 1) for each in talking(2, 60))), fps=60)))
    assert (body["label"], body["reason"]) == (None, "speech")


def test_a_blink_in_a_clip_is_no_expression(http: httpx.Client) -> None:
    clip = film(BLINK, fps=60)
    indices = {"onset_index": "0", "apex_index": str(LIDS_DOWN)}
    body = answer_of(ask_clip(http, clip, **indices))
    assert (body["label"], body["reason"]) == (None, "blink_only")


def test_a_motion_that_takes_seconds_is_too_long(http: httpx.Client) -> None:
    """Macro-expressions are named; what takes longer is a change of posture or mood."""
    reasons = []
    for rise_s in (3.5, 4.5):
        smile = Event(0.2, 0.2 + rise_s, 9.9, label=1, px=2.0, seed=4)
        clip = film(list(synthetic_video.film(Scene(5.0, 20, (smile,), seed=5))), fps=20)
        indices = {"onset_index": "4", "apex_index": str(round(20 * (0.2 + rise_s)))}
        body = answer_of(ask_clip(http, clip, **indices))
        reasons.append((body["label"], body["reason"]))
    assert reasons == [("positive", None), (None, "too_long")]


def test_onset_and_apex_may_be_given_in_different_scenes(http: httpx.Client) -> None:
    """Nothing can be measured between them: that is an answer, too."""
    mirrored = np.ascontiguousarray(STILL[:, ::-1])
    indices = {"onset_index": "2", "apex_index": "12"}
    cut = answer_of(ask_clip(http, film(filmed((STILL, 8), (mirrored, 8)), fps=25), **indices))
    assert (cut["reason"], cut["apex"]["index"]) == ("different_scenes", 12)


def test_an_event_stream_ends_with_the_same_answer(http: httpx.Client) -> None:
    clip = film(filmed((STILL, 12)), fps=60)
    with http.stream("POST", CLIP_ROUTE, files={"video": clip}, headers=STREAM) as answer:
        *_, last = "".join(answer.iter_text()).strip().split("\n\n")
    name, data = last.split("\n")
    body = json.loads(data.removeprefix("data: "))
    assert name == "event: prediction"
    assert body["label"] is None
    assert body["reason"] in REASONS


def test_each_face_has_its_own_reason(http: httpx.Client) -> None:
    """Of two people, one may make an expression while the other is still."""
    onset, apex = (cv2.imdecode(np.frombuffer(data, np.uint8), 1) for data in pair("positive"))
    still = cv2.resize(drawn(3)[80:380, 100:400], (300, 300))
    both = []
    for picture in (onset, apex):
        assert picture is not None
        canvas = np.full((max(picture.shape[0], 400), picture.shape[1] + 400, 3), 90, np.uint8)
        canvas[: picture.shape[0], : picture.shape[1]] = picture
        canvas[50:350, picture.shape[1] + 50 : picture.shape[1] + 350] = still
        both.append(factories.png(canvas))
    body = answer_of(ask_frames(http, both[0], both[1], faces="all"))
    assert {(face["label"], face["reason"]) for face in body["faces"]} == {
        ("positive", None),
        (None, "no_motion"),
    }
