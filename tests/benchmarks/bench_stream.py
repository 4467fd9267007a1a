"""Live streams of 640 x 480: frames a second on one core, delay, and the curve of now.

    make bench-stream        (a minute)

The server and its workers are bound to one core, this client to the others; the browser has all. A
camera sends JPEG files at a fixed rate and does not wait; frames that come too fast are left out.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from off_tanet.configuration import SAMPLES
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.video import open_video
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Moment, Pixels
from playwright.sync_api import sync_playwright
from threadpoolctl import threadpool_limits

from tests.support import factories
from tests.support.live import streaming
from tests.support.serving import SERVE, Server, started
from tests.web.conftest import FLAGS
from tests.web.visit import visiting

SIZE = 640, 480
RATES = (15, 30, 60, 120)
SECONDS = 10
QUALITY = 90

Frames = Sequence[tuple[float, bytes]]


def picture(frame: Pixels) -> bytes:
    """A frame of the sample, whose face has half the height of the picture, as JPEG."""
    square = cv2.resize(frame, (SIZE[1], SIZE[1]), interpolation=cv2.INTER_CUBIC)
    side = (SIZE[0] - SIZE[1]) // 2
    wide = cv2.copyMakeBorder(square, 0, 0, side, side, cv2.BORDER_REPLICATE)
    return factories.jpeg(np.asarray(wide, np.uint8), QUALITY)


def in_process(frames: Frames) -> None:
    """One thread without a server: the time of each stage, and the two curves."""
    live = Recognizer().live()
    began = time.perf_counter()
    seen = [
        live.add(content, Moment(index, time_s)) for index, (time_s, content) in enumerate(frames)
    ]
    spent = time.perf_counter() - began
    spotting = live.finish()
    known = [frame for frame in seen if frame.motion_px is not None]
    assert spotting.motion is not None
    later = np.interp(
        [frame.moment.time_s for frame in known],
        spotting.motion.times_s,
        spotting.motion.strength_px,
    )
    now = np.array([frame.motion_px for frame in known], float)
    stages = {stage: ms / len(frames) for stage, ms in spotting.timings_ms.items()}
    print(f"{len(frames)} frames, JPEG of {np.mean([len(each) for _, each in frames]):.0f} bytes")
    print(f"recognition alone: {len(frames) / spent:.0f} frames a second;", end=" ")
    print(", ".join(f"{stage} {ms:.1f} ms" for stage, ms in stages.items()))
    print(f"motion of now and of the whole video: r = {np.corrcoef(now, later)[0, 1]:.2f}")


def watch(server: Server, frames: Frames, rate: float) -> None:
    """A camera in real time: what is processed, and how late."""
    sent_s: list[float] = []
    delays_ms: list[float] = []
    with streaming(server) as stream:
        stream.begin()

        def film() -> None:
            began = time.monotonic()
            for number in range(round(SECONDS * rate)):
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
                sent_s.append(time.monotonic())
                stream.send(number / rate, frames[number % len(frames)][1])
            stream.end()

        camera = threading.Thread(target=film)
        camera.start()
        dropped = 0
        for name, body in stream.events():
            if name == "frame":
                delays_ms.append(1000 * (time.monotonic() - sent_s[body["index"]]))
                dropped = body["dropped"]
        camera.join()
    late = np.percentile(delays_ms, 95)
    print(
        f"{rate:3d} sent a second: {len(delays_ms) / SECONDS:5.1f} processed, {dropped} dropped, "
        f"delay {statistics.median(delays_ms):.0f} ms, 95% below {late:.0f} ms"
    )


def browse(server: Server, frames: Frames, home: Path) -> None:
    """The page, whose camera shows the frames at 30 a second."""
    program = shutil.which("chromium")
    if program is None:
        print("no chromium here")
        return
    film = home / "film.mjpeg"
    film.write_bytes(b"".join(content for _, content in frames))
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={film}"]
    seen: list[dict[str, float]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        with visiting(browser, server.url) as visit:
            visit.page.on(
                "websocket", lambda socket: socket.on("framereceived", partial(_note, seen))
            )
            visit.choose("A camera")
            visit.page.get_by_role("button", name="Open the camera").click()
            visit.page.get_by_role("button", name="Watch live").click()
            visit.page.wait_for_timeout(1000 * (SECONDS + 2))
            visit.page.get_by_role("button", name="Stop watching").click()
        browser.close()
    span_s = seen[-1]["time_s"] - seen[0]["time_s"]
    print(
        f"the page: {(len(seen) - 1) / span_s:.1f} frames a second, {seen[-1]['dropped']} dropped"
    )


def _note(seen: list[dict[str, float]], payload: str | bytes) -> None:
    message = json.loads(payload)
    if message["event"] == "frame":
        seen.append(message["data"])


def main() -> None:
    threadpool_limits(1)
    cv2.setNumThreads(1)
    video = open_video((SAMPLES / "video.mp4").read_bytes(), MediaLimits())
    frames = [(frame.time_s, picture(frame.pixels)) for frame in video]
    cores = os.sched_getaffinity(0)
    first, *others = sorted(cores)
    os.sched_setaffinity(0, others or cores)
    in_process(frames)
    print(f"service on core {first}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as home:
        command = ("taskset", "--cpu-list", str(first), *SERVE)
        with started(command, Path(home), True, {"workers": 1}) as server:
            for rate in RATES:
                watch(server, frames, rate)
            os.sched_setaffinity(0, cores)
            browse(server, frames, Path(home))


if __name__ == "__main__":
    main()
