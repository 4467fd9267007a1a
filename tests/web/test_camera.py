"""The camera: preview, countdown, frame rate, a look at the recording, and what prevents it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.serving import Server
from tests.web.conftest import FLAGS
from tests.web.visit import Visit, visiting

PLAIN = "plain.example"  # a host to which browsers give no camera over plain HTTP


@pytest.mark.slow
def test_the_camera_is_previewed_recorded_and_looked_at(visit: Visit) -> None:
    """Nothing is sent before the recording was seen and Analyse is pressed."""
    sent: list[str] = []
    visit.page.on("request", lambda request: sent.append(request.method))
    visit.choose("A camera")
    status = visit.page.locator("#camera [role=status]")
    expect(visit.page.get_by_label("Camera preview")).to_be_hidden()
    visit.page.get_by_role("button", name="Open the camera").click()
    expect(visit.page.get_by_label("Camera preview")).to_be_visible(timeout=10_000)
    expect(status).to_contain_text(re.compile(r"\d+ × \d+ pixels, \d+ frames a second"))
    visit.page.get_by_role("button", name="Record 3 seconds").click()
    expect(status).to_contain_text("Recording starts in")
    expect(status).to_contain_text("s left", timeout=10_000)
    expect(status).to_contain_text("Recorded 3 s", timeout=20_000)
    recording = visit.page.get_by_label("The recording")
    expect(recording).to_be_visible()
    assert recording.evaluate("(video) => video.controls && video.srcObject === null")
    assert "POST" not in sent
    visit.analyse()
    visit.expect_answer()
    expect(visit.page.locator("figure img")).to_have_count(6)
    visit.page.get_by_role("button", name="Record again").click()
    expect(visit.answer).to_have_count(0)  # it is that of the deleted recording


def test_another_kind_of_input_releases_the_camera(visit: Visit) -> None:
    """A light that stays on beside a camera frightens people."""
    visit.choose("A camera")
    visit.page.get_by_role("button", name="Open the camera").click()
    preview = visit.page.get_by_label("Camera preview")
    expect(preview).to_be_visible(timeout=10_000)
    track = preview.evaluate_handle("(video) => video.srcObject.getVideoTracks()[0]")
    visit.choose("A clip")
    assert track.evaluate("(track) => track.readyState") == "ended"


@pytest.fixture
def plain(server: Server, browser: Browser) -> Iterator[Visit]:
    """The page over plain HTTP by a name, as in a laboratory's network."""
    program = shutil.which("chromium")
    flags = [*FLAGS, f"--host-resolver-rules=MAP {PLAIN} 127.0.0.1"]
    running = browser.browser_type.launch(executable_path=program, args=flags)
    with visiting(running, f"http://{PLAIN}:{server.port}/") as visit:
        yield visit
    running.close()


def test_plain_http_is_named_as_the_reason_for_no_camera(plain: Visit) -> None:
    plain.choose("A camera")
    reason = plain.page.get_by_text("Browsers open a camera only over HTTPS")
    expect(reason).to_be_visible()  # before it is asked for
    plain.page.get_by_role("button", name="Open the camera").click()
    plain.expect_problem("Browsers open a camera only over HTTPS")
    expect(plain.alert).to_contain_text("https://")


def test_plain_http_has_no_clipboard_and_the_text_is_selected(plain: Visit) -> None:
    plain.page.get_by_role("button", name="A smile").click()
    plain.expect_answer("positive")
    plain.page.get_by_text("This request as a command and as Python").click()
    plain.page.get_by_role("button", name="Copy curl").click()
    expect(plain.page.get_by_text("Browsers copy only over HTTPS")).to_be_visible()
    assert plain.page.evaluate("getSelection().toString()").startswith("curl")
