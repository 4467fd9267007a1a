"""Accessibility of the page: keyboards, screen readers, phones, dark mode."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Literal

import pytest
from off_tanet.configuration import ASSETS
from playwright.sync_api import Browser, Page, expect

from tests.support.serving import Server
from tests.web.visit import Visit, visiting

CLIP = ASSETS / "samples/clip.mp4"


AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def check_accessible(page: Page) -> None:
    """Check that no rule of axe-core is broken, best practices included."""
    page.evaluate(AXE)
    broken = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    violations = [(rule["help"], [node["html"] for node in rule["nodes"]]) for rule in broken]
    assert violations == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_no_accessibility_rule_is_broken(
    browser: Browser, server: Server, width: int, scheme: Literal["light", "dark"]
) -> None:
    """Before an answer, after one with everything opened, and with a problem; contrast too."""
    with visiting(browser, server.url, width=width, scheme=scheme) as visit:
        check_accessible(visit.page)
        visit.analyse()
        visit.expect_problem("No file is chosen")
        check_accessible(visit.page)
        visit.choose("A clip", clip=CLIP)
        visit.analyse()
        visit.expect_answer("surprise")
        for summary in visit.page.locator("summary").all():
            summary.click()
        check_accessible(visit.page)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert visit.page.evaluate(wide) == 0, "the page can be moved sideways"


@pytest.mark.slow
def test_everything_can_be_done_by_keyboard(visit: Visit) -> None:
    """From the top of the page to a moved apex, without a mouse."""
    keys = visit.page.keyboard
    keys.press("Tab")
    expect(visit.page.get_by_role("link", name="Skip to the result")).to_be_focused()
    keys.press("Tab")
    expect(visit.page.get_by_label("Two frames")).to_be_focused()
    keys.press("ArrowDown")
    expect(visit.page.get_by_label("A clip", exact=True)).to_be_checked()
    keys.press("Tab")
    expect(visit.field("clip")).to_be_focused()
    visit.field("clip").set_input_files(CLIP)  # the file dialogue is the browser's own
    for _ in range(2):
        keys.press("Tab")
    expect(visit.page.get_by_role("button", name="Analyse")).to_be_focused()
    keys.press("Enter")
    visit.expect_answer("surprise")
    expect(visit.answer).to_be_focused()  # a screen reader starts reading here
    for _ in range(6):  # past the buttons that save it, and the onset
        keys.press("Tab")
    apex = visit.page.get_by_role("slider", name="apex")
    expect(apex).to_be_focused()
    frame = int(apex.get_attribute("aria-valuenow") or 0)
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        keys.press(key)
    moved = f"to frame {frame + 1},"
    expect(visit.page.locator(".moments")).to_contain_text(moved, timeout=30_000)
    expect(apex).to_be_focused()
    spoken = re.compile(rf"frame {frame + 1}, 0\.1\d\d s, 0\.\d\d pixels")
    expect(apex).to_have_attribute("aria-valuetext", spoken)
    keys.press("End")
    expect(visit.page.locator(".moments")).to_contain_text("to frame 29,", timeout=30_000)


def test_the_curve_follows_the_width(browser: Browser, server: Server) -> None:
    """Shrunk to a phone's width, the text of the drawing would be unreadable."""
    with visiting(browser, server.url, width=360) as visit:
        visit.choose("A clip", clip=CLIP)
        visit.analyse()
        visit.expect_answer("surprise")
        letters = visit.page.locator(".plot text").first.bounding_box()
        assert letters is not None
        assert letters["height"] > 10


def test_dark_mode_is_respected(browser: Browser, server: Server) -> None:
    shown = "getComputedStyle(document.documentElement).backgroundColor"
    with visiting(browser, server.url, scheme="dark") as visit:
        assert visit.page.evaluate(shown) == "rgb(21, 24, 26)"
