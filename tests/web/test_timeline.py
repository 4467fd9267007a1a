"""The timeline of a long video: player, curve, events, and the pictures of each expression."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.support import factories
from tests.web.visit import Visit, upload

pytestmark = pytest.mark.slow


def watch_the_sample(visit: Visit) -> Locator:
    """Analyse the example of a long video; return its timeline."""
    visit.page.get_by_label("A long video", exact=True).check()
    visit.page.get_by_role("button", name="A video of six seconds").click()
    found = visit.page.get_by_role("region", name="Expressions")
    expect(found.get_by_role("status")).to_have_text(
        "3 expressions in 6.2 s of video", timeout=180_000
    )
    return found.get_by_role("group", name="Timeline")


def at(visit: Visit) -> float:
    return float(visit.page.locator(".player").evaluate("(video) => video.currentTime"))


def test_the_example_of_a_long_video_shows_what_a_long_video_has(visit: Visit) -> None:
    """Expressions of all classes, blinks, a motion curve, and two pictures for each expression."""
    timeline = watch_the_sample(visit)
    for label in ("surprise", "negative", "positive"):
        expect(timeline.get_by_role("button", name=f"Show {label}")).to_be_visible()
    expect(timeline.locator(".event.blink")).to_have_count(2)
    assert timeline.locator(".curve").get_attribute("d", timeout=1000)
    pictures = visit.page.locator(".entry img")
    expect(pictures).to_have_count(6)
    expect(pictures.first).to_have_attribute("alt", re.compile(r"The face at frame \d+, 0\.8"))


def test_a_click_on_an_expression_shows_it_in_the_player_and_below(visit: Visit) -> None:
    timeline = watch_the_sample(visit)
    expect(visit.answer).to_contain_text("surprise")
    timeline.get_by_role("button", name="Show negative").click()
    expect(visit.answer).to_contain_text("Closest class: negative")
    assert 2.9 < at(visit) < 3.3
    chosen = visit.page.locator(".entry[aria-current]")
    expect(chosen).to_contain_text("negative")
    timeline.get_by_role("button", name="Show positive").press("Enter")
    expect(visit.answer).to_contain_text("Closest class: positive")
    expect(visit.page.locator("figure img")).to_have_count(6)


def test_the_player_and_the_timeline_go_in_step(visit: Visit) -> None:
    timeline = watch_the_sample(visit)
    place = timeline.bounding_box()
    assert place is not None
    timeline.click(position={"x": place["width"] - 10, "y": 60})
    assert at(visit) > 6
    head = timeline.locator(".playhead")
    late = float(head.get_attribute("x1") or 0)
    visit.page.locator(".player").evaluate("(video) => { video.currentTime = 1; }")
    expect(head).not_to_have_attribute("x1", str(late))
    expect(head).to_have_attribute("x1", re.compile(r"^1\d\d|^2\d\d"))
    early = float(head.get_attribute("x1") or 0)
    visit.page.locator(".player").evaluate("(video) => video.play()")
    expect(head).not_to_have_attribute("x1", str(early))


def test_a_video_that_the_browser_cannot_play_still_has_its_timeline(visit: Visit) -> None:
    """Many cameras write MPEG-4 Part 2 or other codecs that no browser knows."""
    film = factories.mp4([factories.portrait()] * 20)
    visit.choose("A long video", video=upload("film.mp4", film))
    visit.analyse()
    found = visit.page.get_by_role("region", name="Expressions")
    expect(found.get_by_role("status")).to_contain_text("of video", timeout=30_000)
    expect(visit.page.get_by_text("This browser cannot play the video")).to_be_visible()
    expect(found.get_by_role("group", name="Timeline")).to_be_visible()
