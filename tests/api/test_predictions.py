"""The prediction routes from outside: real server, real HTTP, real files."""

from __future__ import annotations

import base64

import cv2
import httpx
import numpy as np
import pytest

from tests.support import face_motion, factories
from tests.support.requests import (
    CLASSES,
    CLIP,
    ask_clip,
    ask_frames,
    check_complete,
    events_of,
    pair,
)
from tests.support.shared import shared


def picture_of(uri: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    kind, _, data = uri.partition(",")
    assert kind == "data:image/png;base64"
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded, np.uint8)


@pytest.mark.parametrize("name", CLASSES)
def test_each_sample_pair_gives_its_class(http: httpx.Client, name: str) -> None:
    """The main promise, from the bytes of an upload to the label."""
    answer = ask_frames(http, *pair(name))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    check_complete(body)
    assert body["label"] == name
    assert body["face"]["score"] > 0.9
    assert not {"no_motion", "cut", "several_faces"} & set(body["quality"]["warnings"])


def test_the_sample_clip_gives_its_class_and_its_curve(http: httpx.Client) -> None:
    """A clip needs no indices: onset and apex are found."""
    body = ask_clip(http, CLIP.read_bytes()).json()
    check_complete(body)
    assert body["label"] == "surprise"
    assert 0 <= body["onset"]["index"] < body["apex"]["index"]
    assert body["apex"]["time_s"] > 0


def test_a_real_recording_gets_a_complete_answer(http: httpx.Client) -> None:
    """Camera noise, compression and head motion, which synthetic clips do not all have."""
    answer = ask_clip(http, shared("clips/portrait_pexels.mp4").read_bytes())
    assert answer.status_code == 200, answer.text
    check_complete(answer.json())


def test_given_indices_are_used(http: httpx.Client) -> None:
    """For clips that are already labelled."""
    data = {"onset_index": "1", "apex_index": "9"}
    files = {"video": CLIP.read_bytes()}
    body = http.post("/v1/predictions/clip", data=data, files=files).json()
    assert (body["onset"]["index"], body["apex"]["index"]) == (1, 9)


def test_identical_frames_are_valid_input(http: httpx.Client) -> None:
    """The published scaling divides by zero here."""
    onset, _ = pair("positive")
    body = ask_frames(http, onset, onset).json()
    check_complete(body)
    assert "no_motion" in body["quality"]["warnings"]
    assert body["quality"]["motion_px"] == 0


def test_json_gives_the_same_as_multipart(http: httpx.Client) -> None:
    """Clients that cannot send multipart must get the same answer."""
    onset, apex = pair("surprise")
    given = {
        "type": "frames",
        "onset": base64.b64encode(onset).decode(),
        "apex": base64.b64encode(apex).decode(),
    }
    as_json = http.post("/v1/predictions", json={"input": given})
    assert as_json.status_code == 200, as_json.text
    as_form = ask_frames(http, onset, apex)
    assert as_json.json()["probabilities"] == as_form.json()["probabilities"]


def test_json_accepts_a_clip_too(http: httpx.Client) -> None:
    given = {"type": "clip", "video": base64.b64encode(CLIP.read_bytes()).decode()}
    answer = http.post("/v1/predictions", json={"input": given})
    assert answer.status_code == 200, answer.text
    check_complete(answer.json())


def test_images_are_returned_only_on_request(http: httpx.Client) -> None:
    """They are ten times the size of the answer."""
    video = CLIP.read_bytes()
    bare = ask_clip(http, video).json()
    assert not {"flow", "attention", "motion"} & set(bare)
    full = ask_clip(http, video, include="flow,attention,motion").json()
    for uri in (full["flow"], full["attention"], full["motion"]["picture"]):
        assert picture_of(uri).std() > 1, "an empty picture"
    assert len(full["motion"]["times_s"]) == len(full["motion"]["strength_px"])
    assert full["motion"]["strength_px"][full["apex"]["index"]] > 0


def test_tight_crops_need_no_detector(http: httpx.Client) -> None:
    """Datasets contain crops; with face=none no face is detected."""
    onset, apex = face_motion.face_crop(), face_motion.face_crop(face_motion.smile(1.2))
    body = ask_frames(http, factories.png(onset), factories.png(apex), face="none").json()
    check_complete(body)
    assert body["face"] is None
    assert body["label"] == "positive"


def test_of_two_faces_the_larger_is_used_with_a_warning(http: httpx.Client) -> None:
    """A group photograph must not be answered as if it showed one person."""
    portrait = factories.portrait()
    small = cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    both = np.zeros((512, 512 + small.shape[1], 3), np.uint8)
    both[: small.shape[0], : small.shape[1]] = small
    both[:, small.shape[1] :] = portrait
    body = ask_frames(http, factories.png(both), factories.png(both)).json()
    assert "several_faces" in body["quality"]["warnings"]
    assert body["face"]["box"][0] > small.shape[1]


def test_a_clip_streams_its_progress(http: httpx.Client) -> None:
    """Long work reports progress, and the last event is the answer."""
    *progress, (last, answer) = events_of(http, CLIP.read_bytes())
    assert {name for name, _ in progress} == {"progress"}
    assert {step["stage"] for _, step in progress} >= {"decode", "spotting"}
    assert all(step["done"] <= step["total"] for _, step in progress)
    assert last == "prediction"
    check_complete(answer)


def test_a_stream_ends_with_the_problem(http: httpx.Client) -> None:
    """After the stream has begun, an error can no longer be a status."""
    name, problem = events_of(http, factories.mp4(factories.frames()))[-1]
    assert name == "problem"
    assert problem["code"] == "no_face"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/event-stream;q=0, application/json", "application/json"),
        ("application/json, text/event-stream; q=0.000", "application/json"),
        ("application/json;q=0.1, Text/Event-Stream;q=0.9", "text/event-stream"),
        ("*/*", "application/json"),
    ],
)
def test_events_are_sent_only_to_clients_that_accept_them(
    http: httpx.Client, accept: str, kind: str
) -> None:
    """A weight of zero means "not acceptable" (RFC 9110, 12.4.2)."""
    files = {"video": CLIP.read_bytes()}
    answer = http.post("/v1/predictions/clip", files=files, headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(kind)
