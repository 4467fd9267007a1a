"""The camera, live: the curve while it happens, the state in words, and what was found."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from off_tanet.api.middleware.auth import digest, new_key
from playwright.sync_api import Browser, Locator, WebSocket, expect

from tests.support.serving import Server, serving
from tests.web.conftest import FLAGS, camera_film
from tests.web.test_access import check_accessible
from tests.web.test_layout import OVERFLOW, check_headings
from tests.web.visit import Visit, visiting

pytestmark = pytest.mark.slow


def opened(visit: Visit) -> Locator:
    """Open the camera; return the button that starts and stops."""
    visit.choose("A camera")
    visit.page.get_by_role("button", name="Open the camera").click()
    expect(visit.page.get_by_label("Camera preview")).to_be_visible(timeout=10_000)
    return visit.page.locator("#camera").get_by_role("button", name=re.compile("watch", re.I))


def live(visit: Visit) -> Locator:
    return visit.page.get_by_role("region", name="Live")


def test_the_motion_is_drawn_while_it_happens(visit: Visit) -> None:
    """The fake camera shows the sample clip over and over: a face that raises its brows."""
    frames: list[dict[str, Any]] = []
    sizes: list[int] = []

    def listen(payload: str | bytes) -> None:
        message = json.loads(payload)
        if message["event"] == "frame":
            frames.append(message["data"])

    def count(payload: str | bytes) -> None:
        if isinstance(payload, bytes):
            sizes.append(len(payload))

    def follow(socket: WebSocket) -> None:
        socket.on("framereceived", listen)
        socket.on("framesent", count)

    visit.page.on("websocket", follow)
    button = opened(visit)
    expect(button).to_have_text("Watch live")
    assert sizes == [], "nothing is sent before"
    button.press("Enter")
    expect(button).to_have_text("Stop watching")
    expect(visit.page.get_by_role("button", name="Record 3 seconds")).to_be_hidden()
    status = live(visit).get_by_role("status").first
    expect(status).to_have_text("Following the face", timeout=30_000)
    curve = live(visit).get_by_role("img", name="Motion of the face in the last 20 seconds")
    expect(curve.locator("path.curve")).to_have_attribute(
        "d", re.compile("M.*L.*L"), timeout=10_000
    )
    expect(live(visit)).to_contain_text(re.compile(r"[1-9]\d* frames a second, \d+ left out"))
    check_accessible(visit.page)
    button.press("Enter")
    expect(live(visit)).to_contain_text(re.compile(r"in [\d.]+ s of video"), timeout=10_000)
    expect(status).to_have_text("Ended")
    expect(button).to_have_text("Watch live")
    assert frames[-1]["face"] is not None
    assert max(frame["motion_px"] or 0 for frame in frames) > 0.1
    times = [frame["time_s"] for frame in frames]
    assert times == sorted(times)
    assert 1000 < max(sizes) < 200_000
    expect(live(visit).get_by_role("button", name="Save all as JSON")).to_be_visible()
    check_headings(visit.page)
    sent = len(sizes)
    expect(visit.page.get_by_role("button", name="Record 3 seconds")).to_be_visible()
    assert len(sizes) == sent


def test_expressions_are_listed_when_it_stops(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    """The camera shows the sample of a long video, which takes ten seconds at its rate."""
    film = tmp_path / "video.mjpeg"
    film.write_bytes(camera_film("video.mp4"))
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={film}"]
    running = browser.browser_type.launch(executable_path=shutil.which("chromium"), args=flags)
    with visiting(running, server.url) as visit:
        button = opened(visit)
        button.click()
        label = live(visit).locator(".grid text", has_text=re.compile("^25$"))
        expect(label).to_have_count(1, timeout=60_000)  # of the time, which moves on
        button.click()
        entry = live(visit).locator("ol.expressions button").first
        expect(entry).to_be_visible(timeout=10_000)
        entry.click()
        expect(visit.page.locator("figure img")).to_have_count(6)
        check_accessible(visit.page)
    running.close()


def test_another_kind_of_input_ends_the_stream(visit: Visit) -> None:
    """The light of the camera goes out, and no picture is sent any more."""
    button = opened(visit)
    button.click()
    expect(live(visit)).to_contain_text("Following the face", timeout=30_000)
    visit.choose("A clip")
    expect(live(visit)).to_have_count(0)
    visit.choose("A camera")
    expect(live(visit)).to_contain_text("Ended", timeout=10_000)
    expect(button).to_be_hidden()


def test_a_hidden_page_ends_the_stream(visit: Visit) -> None:
    """Browsers stop drawing it, and nobody watches."""
    button = opened(visit)
    button.click()
    expect(live(visit)).to_contain_text("Following the face", timeout=30_000)
    visit.page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(live(visit)).to_contain_text("s of video", timeout=10_000)
    expect(button).to_have_text("Watch live")


def test_nothing_is_cut_off_while_it_runs(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, width=320) as visit:
        button = opened(visit)
        button.click()
        expect(live(visit)).to_contain_text("Following the face", timeout=30_000)
        assert visit.page.evaluate(OVERFLOW) == 0
        button.click()
        expect(live(visit)).to_contain_text("s of video", timeout=10_000)
        assert visit.page.evaluate(OVERFLOW) == 0


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server that requires a key, and whose streams last two seconds."""
    key, home = new_key(), tmp_path_factory.mktemp("limited")
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(f"{digest(key)} clinic\n", encoding="utf-8")
    with serving(home, workers=1, api_keys=file, max_stream_seconds=5) as running:
        yield running, key


def test_a_key_is_asked_for(browser: Browser, limited: tuple[Server, str]) -> None:
    """It is in the first message: a browser can set no header."""
    server, key = limited
    with visiting(browser, server.url) as visit:
        button = opened(visit)
        button.click()
        visit.expect_problem("The service requires an API key")
        expect(visit.page.get_by_label("API key", exact=True)).to_be_focused()
        visit.page.get_by_label("API key", exact=True).fill(key)
        button.click()
        visit.expect_problem("The live stream has reached its limit")
        expect(live(visit)).to_contain_text("s of video")  # what was found stays


def test_a_second_page_is_told_that_the_service_is_busy(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as first, visiting(browser, server.url) as second:
        opened(first).click()
        expect(live(first)).to_contain_text("Following the face", timeout=30_000)
        opened(second).click()
        second.expect_problem("The service is busy")
        expect(live(second)).to_contain_text("Ended")


def test_a_service_without_streams_offers_none(browser: Browser, tmp_path: Path) -> None:
    with (
        serving(tmp_path, workers=1, stream_workers=0) as server,
        visiting(browser, server.url) as visit,
    ):
        expect(opened(visit)).to_be_hidden()
