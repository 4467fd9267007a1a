"""Where things stand: the answer at its button at every width, and nothing old or cut off."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import pytest
from off_tanet.configuration import SAMPLES
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.serving import Server
from tests.web.test_problems import long_clip
from tests.web.visit import Visit, upload, visiting

WIDTHS = (320, 390, 768, 1440)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def box(part: Locator) -> dict[str, float]:
    found = part.bounding_box()
    assert found is not None
    x, y, width, height = found["x"], found["y"], found["width"], found["height"]
    ends = {"right": x + width, "bottom": y + height}
    return {"x": x, "y": y, "width": width, "height": height, **ends}


def check_headings(page: Page) -> None:
    """Check that no heading is empty, or has nothing under it."""
    for heading in page.locator("h1:visible, h2:visible, h3:visible").all():
        assert heading.inner_text().strip()
        beside = "(h) => h.parentElement.innerText.trim().length > h.innerText.trim().length"
        pictured = "(h) => h.parentElement.querySelector('img, svg') !== null"
        assert heading.evaluate(beside) or heading.evaluate(pictured), heading.inner_text()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_answer_stands_at_its_button(browser: Browser, server: Server, width: int) -> None:
    """Beside it or right under it, before the legal note, and within the window's width."""
    with visiting(browser, server.url, width=width) as visit:
        visit.choose("A clip", clip=SAMPLES / "clip.mp4")
        visit.analyse()
        visit.expect_answer("surprise")
        answer, button = box(visit.answer), box(visit.page.get_by_role("button", name="Analyse"))
        note = box(visit.page.get_by_role("complementary"))
        if width >= 704:
            assert answer["x"] > button["right"]
            assert answer["y"] < button["y"]
        else:
            assert 0 < answer["y"] - button["bottom"] < 60
            assert note["y"] > answer["bottom"]
        assert visit.page.evaluate(OVERFLOW) == 0
        assert (
            visit.page.evaluate(
                "document.querySelector('aside').compareDocumentPosition("
                "document.getElementById('answer'))"
            )
            == 2
        )  # it precedes
        check_headings(visit.page)


@pytest.mark.parametrize("kind", ["A clip", "A long video", "A camera"])
def test_nothing_is_cut_off_on_the_narrowest_phones(
    browser: Browser, server: Server, kind: str
) -> None:
    with visiting(browser, server.url, width=320) as visit:
        visit.choose(kind)
        assert visit.page.evaluate(OVERFLOW) == 0
        check_headings(visit.page)


def test_no_result_stays_beside_new_material(visit: Visit) -> None:
    """Each kind of input keeps its own result until its files change."""
    smile = {name: SAMPLES / f"positive_{name}.jpg" for name in ("onset", "apex")}
    visit.choose("Two frames", **smile)
    visit.analyse()
    visit.expect_answer("positive")
    visit.choose("A clip")
    expect(visit.answer).to_have_count(0)
    visit.choose("Two frames")
    visit.expect_answer("positive")
    visit.choose("Two frames", apex=SAMPLES / "negative_apex.jpg")
    expect(visit.answer).to_have_count(0)
    expect(visit.page.get_by_text("the answer appears here")).to_be_visible()


def test_new_material_stops_the_work_on_the_old(visit: Visit) -> None:
    visit.choose("A clip", clip=upload("long.mp4", long_clip()))
    visit.analyse()
    expect(visit.page.locator("#count")).to_contain_text("of 600", timeout=30_000)
    visit.choose("A clip", clip=SAMPLES / "clip.mp4")
    expect(visit.page.get_by_role("progressbar")).to_be_hidden()
    expect(visit.alert).to_have_count(0)
    visit.analyse()
    visit.expect_answer("surprise")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_have_no_strips_of_another_colour(
    browser: Browser, server: Server, scheme: Literal["light", "dark"]
) -> None:
    """The service draws white legends below maps; the page writes its own."""
    with visiting(browser, server.url, scheme=scheme) as visit:
        visit.page.get_by_role("button", name="Raised brows").click()
        visit.expect_answer("surprise")
        for picture in visit.page.locator(".picture").all():
            shown = box(picture)
            assert shown["width"] == pytest.approx(shown["height"], rel=0.01)
        strain = visit.page.locator("figure", has=visit.page.get_by_alt_text("skin is stretched"))
        pixels = strain.locator(".picture").screenshot()
        assert _bottom_row(pixels) < 120, "a white strip"
        expect(strain.locator("figcaption")).to_contain_text("per cent")
        flow = visit.page.locator("figure", has=visit.page.get_by_alt_text("Middlebury"))
        expect(flow.locator("figcaption")).to_contain_text("full colour: 1 px at 112 × 112")


def test_labels_of_the_curve_cross_no_line(browser: Browser, server: Server) -> None:
    """They stand above the drawing, whatever the places of the marks."""
    with visiting(browser, server.url, width=320) as visit:
        visit.choose("A clip", clip=SAMPLES / "clip.mp4")
        visit.analyse()
        visit.expect_answer("surprise")
        lines = [box(line) for line in visit.page.locator(".mark line").all()]
        labels = [*visit.page.locator(".marks li").all(), *visit.page.locator(".plot text").all()]
        assert len(labels) > 6
        for label in map(box, labels):
            for line in lines:
                apart = line["y"] >= label["bottom"] or line["bottom"] <= label["y"]
                assert apart or line["x"] > label["right"] or line["right"] < label["x"]


def test_what_was_moved_by_hand_can_be_taken_back(visit: Visit) -> None:
    """At once: the first answer is kept."""
    visit.choose("A clip", clip=SAMPLES / "clip.mp4")
    visit.analyse()
    visit.expect_answer("surprise")
    moments = visit.page.locator(".moments")
    found = moments.inner_text()
    moved = visit.page.get_by_text("Onset or apex were moved by hand.")
    expect(moved).to_be_hidden()
    visit.page.get_by_role("slider", name="apex").press("End")
    expect(moments).to_contain_text("to frame 29,", timeout=30_000)
    expect(moved).to_be_visible()
    visit.page.get_by_role("button", name="Back to the frames that were found").click()
    expect(moments).to_have_text(found)
    expect(moved).to_be_hidden()


def _bottom_row(png: bytes) -> float:
    """The mean level of the last rows of a picture."""
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    return float(pixels[-4:-1].mean())
