"""A long video on the page: a list that grows, each entry with its images."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.requests import STREAM, sample_video
from tests.support.serving import Server
from tests.web.test_access import check_accessible
from tests.web.visit import Visit, upload


@pytest.fixture(scope="module")
def video() -> bytes:
    return sample_video()


def test_expressions_are_listed_and_shown(visit: Visit, video: bytes) -> None:
    """The first is shown at once, the others when they are chosen."""
    visit.choose("A long video", video=upload("film.mp4", video))
    visit.analyse()
    visit.expect_answer("surprise")
    found = visit.page.get_by_role("region", name="Expressions")
    expect(found.get_by_role("status")).to_have_text("2 expressions in 3.1 s of video")
    expect(found.locator(".expressions").get_by_role("listitem")).to_have_count(2)
    micro = found.get_by_role("list").get_by_role("button").first
    expect(micro).to_have_text(re.compile(r"0:00\.\d\d – 0:0\d\.\d\dmicro, .*surprise 0\.\d\d"))
    expect(micro).to_have_attribute("aria-current", "true")
    expect(found.locator(".expressions").get_by_role("listitem").last).to_contain_text("macro")
    expect(visit.page.locator("figure img")).to_have_count(6)
    check_accessible(visit.page)


def test_a_broken_off_stream_keeps_its_results(visit: Visit, server: Server, video: bytes) -> None:
    """An hour of video that fails near its end must not lose all results."""
    with server.client() as http:
        route = "/v1/predictions/video?include=flow,arrows,strain,attention,crops,motion"
        answer = http.post(route, files={"video": video}, headers=STREAM)
    cut = answer.content[: answer.content.index(b"event: spotting")]
    visit.page.route(
        "**/v1/predictions/video*",
        lambda route: route.fulfill(body=cut, content_type="text/event-stream"),
    )
    visit.choose("A long video", video=upload("film.mp4", video))
    visit.analyse()
    visit.expect_problem("The connection was lost")
    found = visit.page.get_by_role("region", name="Expressions")
    expect(found.locator(".expressions").get_by_role("listitem")).to_have_count(2)
