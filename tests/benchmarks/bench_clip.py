"""The cost of a clip by stage, and memory and speed of a long video: `make bench-clip`.

    python -m tests.benchmarks.bench_clip [ROUNDS]

Times are processor time on one thread, medians over the rounds. The published method is TV-L1 by
OpenCV-contrib from the onset to each frame, in the same run, with all other stages unchanged.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from off_tanet.configuration import ASSETS
from off_tanet.errors import NoFaceError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.trackers import FaceTracker
from off_tanet.recognition.media.video import open_clip
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Pixels
from off_tanet.workers import malloc
from off_tanet.workers.answers import clip_answer
from off_tanet_export.synthesis.camera import shoot, warp
from off_tanet_export.synthesis.samples import EXPRESSIONS, locate_crop, motion, portrait, strength
from threadpoolctl import threadpool_limits

from tests.benchmarks.bench_flow import opencv
from tests.support.encoders import film, spliced

SIZE, FRAMES, FPS = (640, 480), 100, 100
VIDEOS, VIDEO_FPS = {SIZE: 10, (1920, 1080): 2}, 30  # minutes
COMPARED = 8  # frames for which OpenCV-contrib is timed: all of them would take 20 s a round
LIMITS = MediaLimits(upload_bytes=1 << 30)


def frames(count: int) -> list[Pixels]:
    """A head and shoulders, 640 x 480, raising the brows once; the face is a third high."""
    still = portrait(SIZE[1])
    expression = motion(EXPRESSIONS["surprise"], locate_crop(still), SIZE[1])
    random = np.random.default_rng(0)
    course = [strength(round(29 * index / (count - 1))) for index in range(count)]
    squares = (shoot(warp(still, each * expression), random) for each in course)
    wall = (SIZE[0] - SIZE[1]) // 2
    return [
        np.asarray(cv2.copyMakeBorder(each, 0, 0, wall, wall, cv2.BORDER_REPLICATE), np.uint8)
        for each in squares
    ]


def processor_ms(work: Callable[[], object], rounds: int) -> float:
    work()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times)


def bench_stages(clip: bytes, rounds: int) -> float:
    """Print the stages of one request and their shares; return milliseconds in total."""
    recognizer = Recognizer()

    def request() -> Mapping[str, float]:
        return clip_answer(recognizer, clip).stages_ms

    request()
    timings = [request() for _ in range(rounds)]
    whole = processor_ms(request, rounds)
    print(
        f"{FRAMES} frames of {SIZE[0]} x {SIZE[1]}, H.264, {len(clip) / 1e3:.0f} kB, to JSON: "
        f"{whole:.0f} ms"
    )
    shares = {
        stage: statistics.median(each[stage] / each["total"] for each in timings)
        for stage in timings[0]
    }
    for stage, share in shares.items():
        if stage != "total":
            print(f"{stage:>12}{share:8.1%}{share * whole:9.1f} ms")
    return whole


def bench_published(clip: bytes, ours: float, rounds: int) -> None:
    """Print the cost of the same clip with TV-L1 by OpenCV-contrib for each frame."""
    recognizer = Recognizer()
    timings = recognizer.clip(clip).timings_ms
    rest = sum(timings[stage] for stage in ("decode", "face", "inference", "quality"))
    tracker = FaceTracker(FaceDetector(ASSETS))
    views = [tracker.track(frame.pixels) for frame in open_clip(clip, LIMITS)]
    crops = np.stack([view.crop for view in views if view.crop is not None])
    chosen = np.linspace(1, len(crops) - 1, COMPARED).astype(int)
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder) / "pairs.npz"
        np.savez(pairs, onset=np.stack([crops[0]] * COMPARED), apex=crops[chosen])
        with opencv(pairs) as theirs:
            times = [theirs.seconds(pair) for _ in range(rounds + 1) for pair in range(COMPARED)]
    each = 1e3 * statistics.median(times[COMPARED:])
    published = rest + (FRAMES - 1) * each
    print(
        f"the published way: {each:.0f} ms of TV-L1 for each frame, {published:.0f} ms in all, "
        f"{published / ours:.0f} times as long"
    )


def bench_video(size: tuple[int, int], minutes: int) -> None:
    """Print the cost of spotting in a long video, in a process of its own."""
    scaled = [np.asarray(cv2.resize(each, size), np.uint8) for each in frames(VIDEO_FPS)]
    second = film(scaled, fps=VIDEO_FPS, options={"bf": "0"})
    video = spliced(*[second] * (60 * minutes), container="mp4")
    title = f"{minutes} minutes of {size[0]} x {size[1]} at {VIDEO_FPS} frames a second"
    print(f"{title}, {len(video) / 1e6:.0f} MB: ", end="")
    sys.stdout.flush()
    command = [sys.executable, str(Path(__file__).with_name("follow_video.py")), str(VIDEO_FPS)]
    subprocess.run(command, input=video, check=True)


def decode(video: bytes) -> None:
    for _ in open_clip(video, LIMITS):
        pass


def bench_turned(rounds: int) -> None:
    """Print what decoding costs upright and for a video that telephones store on its side."""
    size = max(VIDEOS)
    scaled = [np.asarray(cv2.resize(each, size), np.uint8) for each in frames(VIDEO_FPS)]
    for title, display in {"upright": None, "on its side": (90, False, False)}.items():
        video = film(scaled, fps=VIDEO_FPS, display=display)
        spent = processor_ms(partial(decode, video), rounds)
        print(f"decoding {size[0]} x {size[1]}, {title}: {spent / VIDEO_FPS:.2f} ms a frame")


def bench_empty() -> None:
    """Print the cost of a video of a room without a face, where it is searched in vain."""
    random = np.random.default_rng(0)
    room = cv2.resize(
        random.integers(0, 255, (45, 80, 3), np.uint8), (1280, 720), interpolation=cv2.INTER_CUBIC
    )
    noisy = [
        np.asarray(cv2.add(room, random.integers(0, 5, room.shape, np.uint8)), np.uint8)
        for _ in range(VIDEO_FPS)
    ]
    seconds = 60
    video = spliced(*[film(noisy, fps=VIDEO_FPS)] * seconds, container="mp4")
    recognizer, start = Recognizer(), time.process_time()
    with suppress(NoFaceError):
        recognizer.video(video)
    spent = time.process_time() - start
    print(f"{seconds} s of 1280 x 720 without a face: {spent:.1f} s")


def main(rounds: int) -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)
    malloc.keep_freed()  # as in a worker
    clip = film(frames(FRAMES), fps=FPS)
    ours = bench_stages(clip, rounds)
    bench_published(clip, ours, rounds)
    for size, minutes in VIDEOS.items():
        bench_video(size, minutes)
    bench_turned(rounds)
    bench_empty()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
