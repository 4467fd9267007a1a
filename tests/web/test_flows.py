"""The main uses of the page: each kind of input, from the choice of a file to the images."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import httpx
import pytest
from off_tanet.configuration import ASSETS
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.paths import ROOT
from tests.support.serving import started
from tests.web.visit import Visit, visiting

SAMPLES = ASSETS / "samples"
ANSWERED = ("label", "reason", "probabilities", "expression_probability")
PICTURES = 6  # onset, apex, flow, arrows, strain, attention


def expect_pictures(page: Page, count: int = PICTURES) -> None:
    """Check that each has been drawn, and describes in words what it shows."""
    shown = page.locator("figure img")
    expect(shown).to_have_count(count)
    for picture in shown.all():
        assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 100
        assert len(picture.get_attribute("alt") or "") > 20


def ask_for_the_clip(visit: Visit) -> None:
    visit.choose("A clip", clip=SAMPLES / "clip.mp4")
    visit.analyse()
    visit.expect_answer("surprise")


def test_two_frames(visit: Visit) -> None:
    visit.choose(
        "Two frames",
        onset=SAMPLES / "positive_onset.jpg",
        apex=SAMPLES / "positive_apex.jpg",
    )
    visit.analyse()
    visit.expect_answer("positive")
    row = visit.page.get_by_role("row", name=re.compile("positive"))
    assert float(row.get_by_role("cell").last.inner_text()) > 0.9
    expect_pictures(visit.page)
    expect(visit.page.get_by_role("slider")).to_have_count(0)  # a pair has no curve


def test_a_still_face_gets_a_reason_instead_of_a_class(visit: Visit) -> None:
    """The bars stay, but grey: a blue one would be read as the answer."""
    still = SAMPLES / "positive_onset.jpg"
    visit.choose("Two frames", onset=still, apex=still)
    visit.analyse()
    visit.expect_reason("The face hardly moves.")
    expect(visit.page.get_by_text("Choose an apex at which the face has moved")).to_be_visible()
    expect(visit.page.locator(".scores.doubtful .fill")).to_have_count(3)
    expect_pictures(visit.page)
    visit.choose("Two frames", apex=SAMPLES / "positive_apex.jpg")
    visit.analyse()
    visit.expect_answer("positive")
    expect(visit.page.locator(".doubtful, .reason")).to_have_count(0)


def test_other_candidates_of_a_clip_can_be_chosen(visit: Visit) -> None:
    def add(route: Route) -> None:
        """Add an alternative to the prediction; the browser does not hand out the file it sends."""
        clip = {"video": (SAMPLES / "clip.mp4").read_bytes()}
        body = httpx.post(route.request.url, files=clip, timeout=30).json()
        other = {name: body[name] for name in ANSWERED}
        other |= {"label": None, "reason": "blink_only"}
        other |= {"onset": {"index": 2, "time_s": 0.017}, "apex": {"index": 7, "time_s": 0.058}}
        body["alternatives"] = [other]
        event = f"event: prediction\ndata: {json.dumps(body)}\n\n"
        route.fulfill(status=200, content_type="text/event-stream", body=event)

    visit.page.route("**/v1/predictions/clip*", add, times=1)
    ask_for_the_clip(visit)
    visit.page.get_by_role("button", name="none: blink only: frame 2, 0.017 s – frame 7").click()
    moments = visit.page.locator(".moments")
    expect(moments).to_contain_text("from frame 2, 0.017 s to frame 7", timeout=30_000)


def test_a_clip_shows_its_progress_and_its_curve(visit: Visit) -> None:
    stages = visit.page.evaluate_handle(
        """() => {
            const seen = [], stage = document.getElementById("stage");
            new MutationObserver(() => seen.push(stage.textContent))
                .observe(stage, { childList: true });
            return seen;
        }"""
    )
    ask_for_the_clip(visit)
    assert {"Reading the frames", "Measuring the motion"} <= set(stages.json_value())
    expect_pictures(visit.page)
    expect(visit.page.get_by_role("slider", name="onset")).to_be_visible()
    expect(visit.page.locator(".marks .offset")).to_contain_text("offset 0.")


def test_a_click_on_the_curve_moves_the_apex_and_sends_again(visit: Visit) -> None:
    ask_for_the_clip(visit)
    apex = visit.page.get_by_role("slider", name="apex")
    before = apex.get_attribute("aria-valuenow")
    plot = visit.page.locator(".plot svg[role]")
    place = plot.bounding_box()
    assert place is not None
    plot.click(position={"x": place["width"] * 0.3, "y": 150})
    after = apex.get_attribute("aria-valuenow")
    assert after != before
    expect(visit.page.locator(".moments")).to_contain_text(f"to frame {after},", timeout=30_000)


def test_the_onset_can_be_dragged_but_not_after_the_apex(visit: Visit) -> None:
    ask_for_the_clip(visit)
    onset, apex = (visit.page.get_by_role("slider", name=name) for name in ("onset", "apex"))
    start, end = onset.locator("line").bounding_box(), visit.page.locator(".plot").bounding_box()
    assert start is not None
    assert end is not None
    mouse = visit.page.mouse
    mouse.move(start["x"], start["y"] + 60)
    mouse.down()
    mouse.move(start["x"] + 40, start["y"] + 60)
    assert int(onset.get_attribute("aria-valuenow") or 0) > 0
    mouse.move(end["x"] + end["width"] - 5, start["y"] + 60)
    mouse.up()
    placed = int(onset.get_attribute("aria-valuenow") or 0)
    assert placed == int(apex.get_attribute("aria-valuenow") or 0) - 1
    expect(visit.page.locator(".moments")).to_contain_text(f"from frame {placed},", timeout=30_000)


def test_the_request_can_be_repeated_elsewhere(visit: Visit) -> None:
    """The shown command has the files, the address and the images of this very request."""
    ask_for_the_clip(visit)
    visit.page.get_by_text("This request as a command and as Python").click()
    command = visit.page.get_by_label("curl code").inner_text()
    assert command.startswith("curl")
    assert f"'{visit.page.url}v1/predictions/clip?include=" in command
    visit.page.get_by_role("button", name="Copy Python").click()
    expect(visit.page.get_by_text("Copied")).to_be_visible()
    program = visit.page.evaluate("navigator.clipboard.readText()")
    compile(program, "snippet", "exec")
    assert "video.mp4" not in program
    assert 'Path("clip.mp4")' in program


def test_onset_and_apex_alternate_until_stopped(visit: Visit) -> None:
    """Motion below a pixel is visible when the two alternate in one place."""
    ask_for_the_clip(visit)
    button = visit.page.get_by_role("button", name="Alternate onset and apex")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    cover = visit.page.locator("figure .cover")
    expect(cover).to_be_hidden()
    expect(cover).to_be_visible()
    button.click()
    expect(cover).to_have_count(0)


@pytest.mark.parametrize("path", ["/face/", "/face"])
def test_the_page_works_under_a_prefix(browser: Browser, tmp_path: Path, path: str) -> None:
    """Applications mount it under a prefix, and have nothing at the root."""
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.web.mounted"]
    with (
        started(command, tmp_path, True, {"workers": 1}) as running,
        visiting(browser, running.url + path) as visit,
    ):
        ask_for_the_clip(visit)
        expect(visit.page.get_by_text("Model off-tanet")).to_be_visible()
