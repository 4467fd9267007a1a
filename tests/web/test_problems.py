"""Problems on the page are explained in words, with what helps, and no input is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from off_tanet.api.middleware.auth import digest, new_key
from off_tanet.configuration import ASSETS
from playwright.sync_api import Browser, Route, expect

from tests.support import factories
from tests.support.serving import Server, serving
from tests.web.visit import Visit, upload, visiting

CLIP = ASSETS / "samples/clip.mp4"
NOTE = upload("note.jpg", factories.text())
WALL = upload("wall.png", factories.png(factories.picture()))


def long_clip() -> bytes:
    """Seconds of work: time enough to cancel."""
    return factories.mp4([factories.portrait()] * 600)


def test_no_face(visit: Visit) -> None:
    visit.refused = True
    visit.choose("Two frames", onset=WALL, apex=WALL)
    visit.analyse()
    visit.expect_problem("No face was found")
    expect(visit.alert).to_contain_text("Request 01")
    assert visit.field("onset").evaluate("(input) => input.files[0].name") == "wall.png"


def test_no_face_in_a_clip(visit: Visit) -> None:
    """Here the problem is the last event of a stream."""
    visit.choose("A clip", clip=upload("wall.mp4", factories.mp4(factories.frames())))
    visit.analyse()
    visit.expect_problem("No face was found")


def test_the_wrong_kind_of_file(visit: Visit) -> None:
    visit.refused = True
    visit.choose("Two frames", onset=NOTE, apex=NOTE)
    visit.analyse()
    visit.expect_problem("This kind of file cannot be read")


def test_nothing_chosen(visit: Visit) -> None:
    visit.analyse()
    visit.expect_problem("No file is chosen")


def test_too_large(browser: Browser, tmp_path: Path) -> None:
    with (
        serving(tmp_path, workers=1, max_body_bytes=100_000) as running,
        visiting(browser, running.url) as visit,
    ):
        visit.refused = True
        visit.choose("A clip", clip=CLIP)
        visit.analyse()
        visit.expect_problem("The file is larger than the service accepts")
        expect(visit.alert).to_contain_text("clip.mp4 has 0.1 MB; at most 0.1 MB are accepted")


def test_a_busy_service_shows_the_retry_after(visit: Visit) -> None:
    """The refusal is simulated: a full queue depends on chance."""
    visit.refused = True

    def refuse(route: Route) -> None:
        body = json.dumps({"code": "queue_full", "detail": "Too much.", "request_id": "01A"})
        headers = {"Retry-After": "7", "Content-Type": "application/problem+json"}
        route.fulfill(status=503, body=body, headers=headers)

    visit.page.route("**/v1/predictions/*", refuse)
    visit.choose("A clip", clip=CLIP)
    visit.analyse()
    visit.expect_problem("The service is busy")
    expect(visit.alert).to_contain_text("wait 7 s")


def test_a_required_key_is_asked_for_and_remembered(browser: Browser, tmp_path: Path) -> None:
    """The key is kept in the page's memory: a reload forgets it."""
    key, file = new_key(), tmp_path / "keys"
    file.write_text(f"{digest(key)} clinic\n", encoding="utf-8")
    with (
        serving(tmp_path, workers=1, api_keys=file) as running,
        visiting(browser, running.url) as visit,
    ):
        field = visit.page.get_by_label("API key", exact=True)
        expect(field).to_be_visible()  # before anything was refused
        visit.refused = True
        visit.choose("A clip", clip=CLIP)
        visit.analyse()
        visit.expect_problem("The service requires an API key")
        expect(field).to_be_focused()
        field.fill(key)
        field.press("Enter")
        visit.expect_answer("surprise")
        assert key not in visit.page.content()
        kept = "JSON.stringify([localStorage, sessionStorage, document.cookie])"
        assert key not in visit.page.evaluate(kept)
        visit.page.reload()
        expect(field).to_have_value("")


def test_a_lost_connection(visit: Visit) -> None:
    visit.refused = True
    visit.choose("A clip", clip=CLIP)
    visit.page.context.set_offline(True)
    visit.analyse()
    visit.expect_problem("The connection was lost")


def test_a_service_that_dies_during_its_work(browser: Browser, tmp_path: Path) -> None:
    """The stream ends without its last event; the page must not wait without end."""
    with (
        serving(tmp_path, workers=1) as running,
        visiting(browser, running.url) as visit,
    ):
        visit.refused = True
        visit.choose("A clip", clip=upload("long.mp4", long_clip()))
        visit.analyse()
        expect(visit.page.locator("#count")).to_contain_text("of 600", timeout=30_000)
        running.process.kill()
        visit.expect_problem("The connection was lost")


def test_work_can_be_cancelled(visit: Visit) -> None:
    visit.choose("A clip", clip=upload("long.mp4", long_clip()))
    visit.analyse()
    expect(visit.page.locator("#count")).to_contain_text("of 600", timeout=30_000)
    visit.page.get_by_role("button", name="Cancel").click()
    expect(visit.page.get_by_text("Cancelled.")).to_be_visible()
    expect(visit.alert).to_have_count(0)  # what one has asked for is no error
    expect(visit.page.get_by_role("progressbar")).to_be_hidden()


def test_no_camera(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.evaluate(
            "() => void (navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error()))"
        )
        visit.choose("A camera")
        visit.page.get_by_role("button", name="Open the camera").click()
        visit.expect_problem("The camera cannot be used")


@pytest.mark.parametrize("warning", ["hardly moves"])
def test_warnings_are_explained_in_words(visit: Visit, warning: str) -> None:
    onset = ASSETS / "samples/positive_onset.jpg"
    visit.choose("Two frames", onset=onset, apex=onset)
    visit.analyse()
    expect(visit.answer).to_have_text("No expression to name", timeout=30_000)
    expect(visit.page.get_by_role("listitem")).to_contain_text(warning)
