"""A real Chromium, whose camera plays a synthetic clip, on a real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from off_tanet.configuration import ASSETS
from playwright.sync_api import Browser, sync_playwright

from tests.support import factories
from tests.support.serving import Server
from tests.web.visit import Visit, visiting

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's Chromium; tests that need it are skipped without it."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium here: apt-get install chromium")
    camera = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    camera.write_bytes(camera_film())
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=flags)
        yield running
        running.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """The page in a window of its own; it may log no error and contact no other host."""
    with visiting(browser, server.url) as visiting_page:
        yield visiting_page


def camera_film(sample: str = "clip.mp4") -> bytes:
    """A sample as the motion JPEG that the fake camera plays, over and over."""
    clip, film = cv2.VideoCapture(str(ASSETS / "samples" / sample)), b""
    while (read := clip.read())[0]:
        film += factories.jpeg(np.asarray(read[1], np.uint8))
    return film
