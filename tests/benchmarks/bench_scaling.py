"""How the cost grows with the work: `make bench-scaling` (about five minutes).

    python -m tests.benchmarks.bench_scaling [--rounds N] [--plots FOLDER]

Processor time in one process on one thread, medians over the rounds, against the size of the
pictures, the length of a clip and the faces in a picture; answers a second against workers, and
memory of the server against uploads at once. For each, a table, a plot in build/scaling, and the
cost of the largest size that the settings allow, by the straight line through the second half.
The exponent is the slope of the logarithms there: 1 is linear.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from off_tanet.configuration import Configuration
from off_tanet.face_choice import FaceCount
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.setting_names import variable
from off_tanet.settings import Settings
from off_tanet.types import Pixels
from off_tanet.workers import malloc
from threadpoolctl import threadpool_limits

from tests.benchmarks import bench_clip, load
from tests.benchmarks.bench_serve import framed
from tests.benchmarks.growth import Series
from tests.support import factories
from tests.support.encoders import film
from tests.support.paths import ROOT
from tests.support.processes import resident_bytes
from tests.support.serving import serving

MEGAPIXELS = (0.3, 1, 3, 12, 25, 50)
FRAMES = (25, 50, 100, 200, 400)
FACES = (1, 2, 4, 8)
UPLOADS = (1, 4, 16, 64)
UPLOAD_BYTES = 4 << 20


def processor_s(work: Callable[[], object], rounds: int) -> float:
    work()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def sized(name: str, megapixels: float) -> bytes:
    """A sample face that fills most of a picture of 4:3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    face = cv2.imdecode(np.frombuffer(framed(name), np.uint8), cv2.IMREAD_COLOR)
    assert face is not None
    size = (height * 4 // 3, height)
    return factories.jpeg(
        np.asarray(cv2.resize(face, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    )


def crowd(name: str, faces: int) -> bytes:
    """This many copies of a sample face in a picture of a fixed size."""
    face = cv2.imdecode(np.frombuffer(framed(name), np.uint8), cv2.IMREAD_COLOR)
    assert face is not None
    small: Pixels = np.asarray(cv2.resize(face[:, 80:560], (320, 320)), np.uint8)
    canvas: Pixels = np.full((2 * 320, 4 * 320, 3), 128, np.uint8)
    for place in range(faces):
        row, column = divmod(place, 4)
        canvas[320 * row : 320 * (row + 1), 320 * column : 320 * (column + 1)] = small
    return factories.jpeg(canvas)


def limit(name: str, unit: float = 1) -> tuple[float, str]:
    """A setting's default, in this unit, and its environment variable."""
    return getattr(Settings(), name) / unit, variable(name)


def in_process(rounds: int) -> Iterator[Series]:
    cv2.setNumThreads(1)
    threadpool_limits(1)
    malloc.keep_freed()
    recognizer = Recognizer(Configuration(faces=max(FACES)))
    recognizer.warm_up()
    names = "surprise_onset.jpg", "surprise_apex.jpg"

    def pair_ms(pictures: Sequence[bytes], faces: FaceCount, count: int = 1) -> float:
        def work() -> None:
            answer = recognizer.frames(*pictures, faces=faces)
            assert faces == "one" or len(answer.faces) == count

        return 1e3 * processor_s(work, rounds)

    cost = "processor time (ms)"
    sizes = [pair_ms([sized(name, each) for name in names], "one") for each in MEGAPIXELS]
    pixels = limit("max_image_pixels", 1e6)
    yield Series("pair against its size", "megapixels each", cost, MEGAPIXELS, sizes, pixels)
    crowds = [pair_ms([crowd(name, each) for name in names], "all", each) for each in FACES]
    faces = limit("max_faces")
    yield Series("pair of 1280 x 640 against its faces", "faces", cost, FACES, crowds, faces)
    clips = [film(bench_clip.frames(each), fps=100) for each in FRAMES]
    lengths = [1e3 * processor_s(lambda clip=clip: recognizer.clip(clip), rounds) for clip in clips]  # type: ignore[misc]
    frames = limit("max_frames")
    yield Series("clip of 640 x 480 against its frames", "frames", cost, FRAMES, lengths, frames)


def against_workers() -> Series:
    onset, apex = framed("surprise_onset.jpg"), framed("surprise_apex.jpg")
    request = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    cores = len(os.sched_getaffinity(0))
    counts = range(1, max(2, cores) + 1)
    rates = []
    for workers in counts:
        with (
            tempfile.TemporaryDirectory() as home,
            serving(Path(home), workers=workers) as server,
        ):
            start = time.perf_counter()
            replies = asyncio.run(load.closed_loop(server.port, request, 2 * workers, 10))
            rates.append(len(replies) / (time.perf_counter() - start))
    return Series(
        "throughput against workers",
        "workers, two clients each",
        "answers a second",
        counts,
        rates,
        (cores, "cores of this machine"),
    )


async def _held(port: int, count: int, process: int) -> float:
    """The server's memory while this many bodies have arrived all but their last byte."""
    head = (
        b"POST /v1/predictions/frames HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % UPLOAD_BYTES
    )
    head += b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    writers = []
    for _ in range(count):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + bytes(UPLOAD_BYTES - 1))
        await writer.drain()
        writers.append(writer)
    for _ in range(2 * count):  # the server reads what has arrived before it answers
        assert (await load.Connection(port).ask(load.get("/health/live"))).status == 200
    held = resident_bytes(process) / 1e6
    for writer in writers:
        writer.close()
    return held


def against_uploads() -> Series:
    memory = []
    for count in UPLOADS:
        with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=1) as server:
            memory.append(asyncio.run(_held(server.port, count, server.process.pid)))
    return Series(
        f"memory against uploads of {UPLOAD_BYTES >> 20} MiB at once",
        "uploads that have arrived all but a byte",
        "memory of the server (MB)",
        UPLOADS,
        memory,
        limit("max_inflight_body_bytes", UPLOAD_BYTES),
    )


def all_series(rounds: int) -> Iterator[Series]:
    yield from in_process(rounds)
    yield against_workers()
    yield against_uploads()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plots", type=Path, default=ROOT / "build" / "scaling")
    options = parser.parse_args()
    for series in all_series(options.rounds):
        print(series.table())
        print(f"  plot: {series.write_plot(options.plots)}", flush=True)


if __name__ == "__main__":
    main()
