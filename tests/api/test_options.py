"""Options of a request: applied, or refused by name, but never ignored."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.paths import ROOT
from tests.support.requests import CLIP, check_problem, pair
from tests.support.serving import started

PAIR = dict(zip(("onset", "apex"), pair("positive"), strict=True))
FILES = {"frames": PAIR, "clip": {"video": CLIP.read_bytes()}, "video": {"video": b""}}
KINDS = ("frames", "clip", "video")


def ask(
    http: httpx.Client,
    kind: str,
    query: Any = None,
    fields: dict[str, Any] | None = None,
    files: Any = None,
) -> httpx.Response:
    url = f"/v1/predictions/{kind}"
    return http.post(url, params=query, data=fields, files=files or FILES[kind])


def refused(answer: httpx.Response, *names: str) -> None:
    detail = str(check_problem(answer, 422, "invalid_request")["detail"])
    for name in names:
        assert name in detail


@pytest.mark.parametrize("place", ["query", "fields"])
def test_an_option_is_read_from_the_query_and_from_the_form(http: httpx.Client, place: str) -> None:
    """A form has one place for all fields, so people put options there."""

    def answered(kind: str, **options: str) -> dict[str, Any]:
        answer = ask(http, kind, **{place: options})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert answered("frames", face="none")["face"] is None
    assert answered("clip", face="none")["face"] is None
    assert {"flow", "crops"} < set(answered("frames", include="flow,crops"))
    assert answered("clip", include="motion")["motion"]["picture"]
    given = answered("clip", onset_index="5", apex_index="9")
    assert (given["onset"]["index"], given["apex"]["index"]) == (5, 9)
    assert answered("clip", apex_index="9")["apex"]["index"] == 9


def test_query_and_form_may_repeat_or_complement_each_other(http: httpx.Client) -> None:
    query = {"face": "none", "include": "flow,crops", "onset_index": "5"}
    fields = {"face": "none", "include": "crops, flow", "apex_index": "9"}
    answer = ask(http, "clip", query, fields)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["face"], body["onset"]["index"], body["apex"]["index"]) == (None, 5, 9)
    assert "flow" in body


@pytest.mark.parametrize(
    ("kind", "name", "in_query", "given"),
    [
        ("frames", "face", "auto", "none"),
        ("video", "face", "none", "auto"),
        ("clip", "include", "flow", "crops"),
        ("clip", "include", "", "crops"),
        ("clip", "onset_index", "0", "1"),
    ],
)
def test_query_and_form_must_not_disagree(
    http: httpx.Client, kind: str, name: str, in_query: str, given: str
) -> None:
    refused(ask(http, kind, {name: in_query}, {name: given}), f"{name}: the query and the form")


UNKNOWN = (
    "unknown",
    "Face",
    "includes",
    "utm_source",
    "_",
    "all_faces",
    "onset index",
    "",
    "include[0]",
)


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_option_is_named(http: httpx.Client, name: str) -> None:
    """A typing error would otherwise be ignored silently."""
    for kind in KINDS:
        refused(ask(http, kind, {name: "1"}), f"query.{name}: unknown name", "face, faces, include")
        if name:
            refused(ask(http, kind, fields={name: "1"}), f"body.{name}: unknown name")
            thumbnail = [*FILES[kind].items(), (name, PAIR["onset"])]
            refused(ask(http, kind, files=thumbnail), f"body.{name}: unknown name")
    answer = http.post("/v1/predictions", params={name: "1"}, json={})
    refused(answer, f"query.{name}: unknown name")


@pytest.mark.parametrize("kind", ["frames", "video"])
@pytest.mark.parametrize("name", ["onset_index", "apex_index"])
def test_indices_are_for_clips_only(http: httpx.Client, kind: str, name: str) -> None:
    refused(ask(http, kind, {name: "5"}), f"query.{name}")
    refused(ask(http, kind, fields={name: "5"}), f"body.{name}")


@pytest.mark.parametrize(
    "query", ["face=auto&face=none", "face=none&face=none", "face&face[]=auto"]
)
def test_an_option_is_given_once(http: httpx.Client, query: str) -> None:
    refused(ask(http, "frames", query), "query.face")


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("frames", "onset", PAIR["onset"]),
        ("clip", "video", b""),
        ("video", "video", b"v"),
        ("clip", "face", b"none"),
        ("clip", "onset_index", b"5"),
    ],
)
def test_a_part_is_given_once(http: httpx.Client, kind: str, name: str, value: bytes) -> None:
    """With two clips it would be unclear which one the answer is about."""
    files = [*FILES[kind].items(), *[(name, value)] * 2]
    refused(ask(http, kind, files=files), f"body.{name}: given more than once")


@pytest.mark.parametrize(
    "query",
    [
        "include=flow&include=attention",
        "include=flow,%20attention",
        "include[]=flow&include[]=attention",
        "include=&include=flow,attention",
        "include%5B%5D=attention%2Cflow",
    ],
)
def test_a_list_is_read_in_every_common_spelling(http: httpx.Client, query: str) -> None:
    answer = ask(http, "frames", query)
    assert answer.status_code == 200, answer.text
    assert {"flow", "attention"} < set(answer.json())
    assert "crops" not in answer.json()


def test_a_list_may_be_several_fields(http: httpx.Client) -> None:
    """As the checked boxes of a page are sent."""
    answer = ask(http, "frames", fields={"include": ["flow", "attention"]})
    assert {"flow", "attention"} < set(answer.json())


@pytest.mark.parametrize("word", ["Flow", "flow;attention", "flow attention", "flow,,crops", "all"])
def test_an_unknown_word_of_a_list_is_refused(http: httpx.Client, word: str) -> None:
    refused(ask(http, "frames", {"include": word}), "query.include", "arrows")
    refused(ask(http, "frames", fields={"include": word}), "body.include", "arrows")


@pytest.mark.parametrize("value", ["None", "NONE", "", "face"])
def test_an_unknown_value_is_refused(http: httpx.Client, value: str) -> None:
    refused(ask(http, "frames", {"face": value}), "query.face", "'auto' or 'none'")
    refused(ask(http, "frames", fields={"face": value}), "body.face", "'auto' or 'none'")


@pytest.mark.parametrize("value", ["-1", "one", "1.5", "", "1" * 5000])
def test_an_invalid_index_is_refused(http: httpx.Client, value: str) -> None:
    refused(ask(http, "clip", {"apex_index": value}), "query.apex_index")


def test_names_in_a_refusal_are_short_and_printable(http: httpx.Client) -> None:
    """They come from the client, and may be shown in a terminal or a log."""
    names = ["a" * 3000, "\x1b[31m\n\u202e", *(f"name{index}" for index in range(300))]
    answer = ask(http, "frames", [(name, "") for name in names])
    refused(answer, "a" * 40 + "…", "\\x1b[31m\\n\\u202e")
    assert len(answer.json()["detail"]) < 800
    assert answer.json()["detail"].isprintable()


def test_known_names_apply_to_json_too(http: httpx.Client) -> None:
    refused(http.post("/v1/predictions", json={"face": "none"}), "body.face: unknown name")
    clip = {"type": "clip", "video": "", "onset": 3}
    refused(http.post("/v1/predictions", json={"input": clip}), "body.input.clip.onset")
    frames = {"type": "frames", "onset": "", "apex": "", "apex_index": 3}
    refused(http.post("/v1/predictions", json={"input": frames}), "frames.apex_index: unknown")


def test_options_of_json_are_in_the_query(http: httpx.Client) -> None:
    answer = http.post("/v1/predictions?include=flow;crops", json={})
    refused(answer, "query.include")


def test_other_routes_accept_any_query(http: httpx.Client) -> None:
    """Probes and scrapers add parameters, and the protocol under /v2 allows extensions."""
    for path in ("/health/live", "/health/ready", "/metrics", "/v1/model", "/openapi.json", "/v2"):
        assert http.get(path, params={"unknown": "1"}).status_code == 200, path


def test_an_array_of_one_file_is_the_file(http: httpx.Client) -> None:
    """PHP and axios name it this way."""
    files = {f"{name}[]": content for name, content in PAIR.items()}
    assert ask(http, "frames", files=files).status_code == 200
    refused(ask(http, "frames", files=[*files.items(), *PAIR.items()]), "onset: given more", "apex")


def test_what_browsers_add_is_not_an_option(http: httpx.Client) -> None:
    assert ask(http, "frames", fields={"_charset_": "UTF-8"}).status_code == 200


def test_options_work_under_a_prefix(tmp_path: Path) -> None:
    """Mounted in another application, whose paths and queries are not the service's."""
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.web.mounted"]
    with started(command, tmp_path, True, {"workers": 1}) as server, server.client() as http:
        http.base_url = http.base_url.join("/face/")
        refused(ask(http, "frames/", {"Face": "none"}, files=PAIR), "query.Face: unknown name")
        refused(ask(http, "frames", fields={"Face": "none"}), "body.Face: unknown name")
        answer = ask(http, "clip/", {"onset_index": "5", "apex_index": "9"}, files=FILES["clip"])
        assert (answer.json()["onset"]["index"], answer.json()["apex"]["index"]) == (5, 9)
