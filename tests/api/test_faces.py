"""Several people in one picture, clip or video: one of them is chosen, or each is answered for."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from off_tanet.client import Client
from off_tanet.errors import InvalidRequestError, NoFaceError

from tests.api.test_options import ask, refused
from tests.support import encoders, factories, two_people
from tests.support.requests import check_complete, check_problem, pair
from tests.support.serving import Server, serving
from tests.support.synthetic_video import Event

# The left person smiles and is the smaller one; the right one raises the brows.
LEFT_BOX, RIGHT_BOX = "30,60,220,200", "400,60,280,280"


@cache
def files(kind: str) -> dict[str, bytes]:
    frames = two_people.clip()
    if kind == "frames":
        return {"onset": factories.png(frames[5]), "apex": factories.png(frames[14])}
    return {"video": factories.mkv(frames, 50)}


def answer(http: httpx.Client, kind: str, **query: str) -> dict[str, Any]:
    response = ask(http, kind, query, files=files(kind))
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def is_left(body: dict[str, Any]) -> bool:
    check_complete(body)
    left: bool = body["face"]["box"][0] < 300
    assert body["label"] == ("positive" if left else "surprise")
    return left


@pytest.mark.parametrize("kind", ["frames", "clip"])
@pytest.mark.parametrize(
    ("face", "left"),
    [
        ("auto", False),
        ("largest", False),
        ("0", False),
        ("1", True),
        (LEFT_BOX, True),
        (RIGHT_BOX, False),
    ],
)
def test_one_face_is_chosen(http: httpx.Client, kind: str, face: str, left: bool) -> None:
    body = answer(http, kind, face=face)
    assert is_left(body) == left
    assert "faces" not in body
    assert ("several_faces" in body["quality"]["warnings"]) == (face in ("auto", "largest"))


def test_the_box_of_an_answer_chooses_its_face(http: httpx.Client) -> None:
    box = answer(http, "frames", face="1")["face"]["box"]
    chosen = answer(http, "clip", face=",".join(map(str, box)))
    assert is_left(chosen)


@pytest.mark.parametrize("kind", ["frames", "clip"])
def test_each_face_is_answered_for(http: httpx.Client, kind: str) -> None:
    """The largest one first, and outside of the list as if only it had been asked for."""
    body = answer(http, kind, faces="all", include="arrays")
    assert [is_left(face) for face in body["faces"]] == [False, True]
    first, second = body["faces"]
    assert {name: body[name] for name in first} == first
    assert set(body) == {*first, "faces"}
    assert first["id"] != second["id"]
    assert first["arrays"]["flow"] != second["arrays"]["flow"]
    assert all(face["quality"]["warnings"] == [] for face in body["faces"])
    alone = answer(http, kind, face="1")
    assert alone["probabilities"] == pytest.approx(second["probabilities"], abs=1e-6)
    assert (alone["onset"], alone["apex"]) == (second["onset"], second["apex"])


def test_of_one_person_all_are_one(http: httpx.Client) -> None:
    body = ask(http, "frames", {"faces": "all"}).json()
    assert len(body["faces"]) == 1
    assert body["faces"][0]["id"] == body["id"]


def test_a_face_that_is_seen_too_shortly_is_left_out(http: httpx.Client) -> None:
    """Of the others, one is still answered for, whatever their sizes."""
    frames = two_people.clip()
    alone = factories.picture(*two_people.SIZE[::-1], seed=3) // 2
    alone[:, :300] = frames[0][:, :300]
    clip = factories.mkv([frames[0], *(_left_only(frame, alone) for frame in frames[1:])], 50)
    body = ask(http, "clip", {"faces": "all"}, files={"video": clip}).json()
    assert [is_left(face) for face in body["faces"]] == [True]
    assert is_left(body)


def _left_only(frame: Any, alone: Any) -> Any:
    part = alone.copy()
    part[:, :300] = frame[:, :300]
    return part


def test_options_are_taken_from_forms_and_with_json(http: httpx.Client) -> None:
    fields = {"face": LEFT_BOX}
    assert is_left(ask(http, "frames", fields=fields, files=files("frames")).json())
    body = ask(http, "frames", fields={"faces": "all"}, files=files("frames")).json()
    assert len(body["faces"]) == 2
    encoded = {name: base64.b64encode(data).decode() for name, data in files("frames").items()}
    request = {"input": {"type": "frames", **encoded}}
    assert is_left(http.post("/v1/predictions?face=1", json=request).json())
    assert len(http.post("/v1/predictions?faces=all", json=request).json()["faces"]) == 2


@pytest.mark.parametrize("kind", ["frames", "clip", "video"])
@pytest.mark.parametrize(
    ("face", "detail"),
    [("2", "2 faces; there is no face 2"), ("300,0,20,20", "none overlaps the box")],
)
def test_a_face_that_is_not_there_is_an_error(
    http: httpx.Client, kind: str, face: str, detail: str
) -> None:
    problem = check_problem(ask(http, kind, {"face": face}, files=files(kind)), 422, "no_face")
    assert detail in str(problem["detail"])


@pytest.mark.parametrize("face", ["none", "0", "2", LEFT_BOX])
def test_one_and_all_contradict_each_other(http: httpx.Client, face: str) -> None:
    both = {"face": face, "faces": "all"}
    refused(ask(http, "frames", both, files=files("frames")), "query", "faces=all")
    refused(ask(http, "clip", fields=both, files=files("clip")), "body", "faces=all")
    mixed = ask(http, "clip", {"face": face}, {"faces": "all"}, files=files("clip"))
    refused(mixed, "face and faces", "faces=all")
    refused(http.post("/v1/predictions", params=both, json={}), "query", "faces=all")


@pytest.mark.parametrize("value", ["two", "", "1", "ALL"])
def test_other_counts_of_faces_are_refused(http: httpx.Client, value: str) -> None:
    refused(ask(http, "frames", {"faces": value}), "query.faces", "'one' or 'all'")


@pytest.mark.parametrize("value", ["-1", "1,2", "1,2,3,-4", "1.5", "a,b,c,d"])
def test_what_is_neither_index_nor_box_is_refused(http: httpx.Client, value: str) -> None:
    refused(ask(http, "frames", {"face": value}), "query.face", "an index", "a box")


@pytest.fixture(scope="module")
def meeting() -> bytes:
    """Two people, who express something one after the other."""
    smile = Event(0.6, 0.8, 1.05, label=1, px=2.0, seed=4)
    brows = Event(1.6, 1.8, 2.05, label=2, px=2.0, seed=8)
    return encoders.film(two_people.clip(smile, brows, seconds=3.0, fps=30), fps=30)


def test_expressions_of_a_video_name_their_face(http: httpx.Client, meeting: bytes) -> None:
    body = ask(http, "video", {"faces": "all"}, files={"video": meeting}).json()
    micros = [found for found in body["expressions"] if found["kind"] == "micro"]
    assert [(found["face_index"], is_left(found)) for found in micros] == [(1, True), (0, False)]
    assert body["video"]["frames_with_face"] == body["video"]["frames"] == 90
    assert body["warnings"] == ["low_frame_rate"]  # 30 a second


@pytest.mark.parametrize(("face", "left"), [("0", False), ("1", True), (LEFT_BOX, True)])
def test_a_face_of_a_video_is_chosen(
    http: httpx.Client, meeting: bytes, face: str, left: bool
) -> None:
    body = ask(http, "video", {"face": face}, files={"video": meeting}).json()
    (found,) = body["expressions"]
    assert is_left(found) == left
    assert "face_index" not in found


def test_the_client_answers_for_each_face(server: Server, meeting: bytes) -> None:
    onset, apex = files("frames").values()
    with Client(server.url) as client:
        both = client.clip(files("clip")["video"], faces="all").faces
        assert [found.label for found in both] == ["surprise", "positive"]
        assert both[1].flow.shape == (2, 112, 112)
        assert client.frames(onset, apex, face=1).label == "positive"
        assert client.frames(onset, apex, face=(30, 60, 220, 200)).label == "positive"
        assert client.frames(onset, apex).faces == ()
        spotted = client.video(meeting, faces="all").expressions
        assert {found.face_index for found in spotted} == {0, 1}
        with pytest.raises(NoFaceError, match="no face 7"):
            client.frames(onset, apex, face=7)
        with pytest.raises(InvalidRequestError, match="faces=all"):
            client.frames(onset, apex, face="none", faces="all")


@pytest.fixture(scope="module")
def one_face_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("faces"), ready=True, workers=1, max_faces=1) as running:
        yield running


def test_no_more_faces_are_answered_for_than_allowed(one_face_only: Server) -> None:
    with one_face_only.client() as http:
        body = answer(http, "frames", faces="all")
        assert [is_left(face) for face in body["faces"]] == [False]
        assert is_left(answer(http, "frames", face="1")), "a choice is not limited"


def test_the_stream_of_a_clip_has_all_faces(http: httpx.Client) -> None:
    headers = {"Accept": "text/event-stream"}
    url = "/v1/predictions/clip?faces=all"
    with http.stream("POST", url, files=files("clip"), headers=headers) as stream:
        events = "".join(stream.iter_text()).strip().split("\n\n")
    progress, last = [event.split("\ndata: ") for event in events][-2:]
    assert len(json.loads(last[1])["faces"]) == 2
    step = json.loads(progress[1])
    assert (step["stage"], step["done"]) == ("spotting", step["total"])


def test_samples_have_one_face(http: httpx.Client) -> None:
    onset, apex = pair("positive")
    response = ask(http, "frames", {"face": "1"}, files={"onset": onset, "apex": apex})
    assert "shows 1 face;" in str(check_problem(response, 422, "no_face")["detail"])


def test_a_report_shows_the_first_face(http: httpx.Client) -> None:
    body = answer(http, "frames", faces="all", include="report")
    assert body["report"] == body["faces"][0]["report"] != body["faces"][1]["report"]
