"""A long video on the page: a list that grows, each entry with its pictures."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Route, expect

from service.recognition.recognizer import ASSETS
from tests.serving import Server
from tests.web.visit import Visit

CLIP = ASSETS / "samples/clip.mp4"


@pytest.fixture(scope="module")
def stream(server: Server) -> bytes:
    """The events of a video with three expressions, two of them short enough to be recognised."""
    with server.client() as http:
        include = {"include": "flow,arrows,strain,attention,crops"}
        answer = http.post(
            "/v1/predictions/clip", files={"video": CLIP.read_bytes()}, params=include
        )
    first = answer.json() | {
        "kind": "micro",
        "offset": {"index": 23, "time_s": 0.19},
        "strength_px": 0.64,
        "confidence": 0.9,
    }
    second = first | {"label": "negative", "onset": {"index": 2000, "time_s": 66.67}}
    long = {"kind": "macro", "confidence": 0.8, "strength_px": 1.2}
    long |= {name: {"index": 900, "time_s": 30.0} for name in ("onset", "apex", "offset")}
    spotting = {
        "expressions": [first, long, second],
        "video": {"frames": 3000, "frames_with_face": 2990, "seconds": 100.0},
        "warnings": ["face_lost"],
    }
    events = [
        ("progress", {"stage": "watching", "done": 10, "total": 3000}),
        *(("expression", found) for found in (first, long, second)),
        ("spotting", spotting),
    ]
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events).encode()


def test_expressions_are_listed_and_shown(visit: Visit, stream: bytes) -> None:
    """The first is shown at once; a macro-expression has no class to show."""

    def answer(route: Route) -> None:
        assert route.request.headers["accept"] == "text/event-stream"
        route.fulfill(body=stream, content_type="text/event-stream")

    visit.page.route("**/v1/predictions/video*", answer)
    visit.choose("A long video", video=CLIP)
    visit.analyse()
    visit.expect_answer("surprise")
    found = visit.page.get_by_role("region", name="Expressions")
    expect(found.get_by_role("status")).to_have_text("3 expressions in 100.0 s of video")
    expect(found).to_contain_text("cannot be seen in all frames")
    expect(found.get_by_role("button")).to_have_count(2)
    expect(visit.page.locator("figure img")).to_have_count(6)
    other = found.get_by_role("button", name=re.compile("1:06.67"))
    other.click()
    visit.expect_answer("negative")
    expect(other).to_have_attribute("aria-current", "true")
    expect(visit.page.get_by_role("button", name="Save a report")).to_be_hidden()


def test_a_broken_off_stream_keeps_what_was_found(visit: Visit, stream: bytes) -> None:
    """An hour of video that is lost near its end must not take all findings with it."""
    cut = stream[: stream.index(b"event: spotting")]
    visit.page.route(
        "**/v1/predictions/video*",
        lambda route: route.fulfill(body=cut, content_type="text/event-stream"),
    )
    visit.choose("A long video", video=CLIP)
    visit.analyse()
    visit.expect_problem("The connection was lost")
    expect(
        visit.page.get_by_role("region", name="Expressions").get_by_role("button")
    ).to_have_count(2)
