"""How the cost grows with the work: `make bench-scaling` (about five minutes).

    python -m tests.benchmarks.bench_scaling [--rounds N]

Processor time in one process on one thread, medians over the rounds, against the size of the
pictures, the length of a clip and the faces in a picture; answers a second against workers, and
memory of the server against uploads at once. The exponent is the slope of the logarithms, from the
middle of the series on: 1 is linear.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from off_tanet.configuration import Configuration
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Pixels
from off_tanet.workers import malloc
from threadpoolctl import threadpool_limits

from tests.benchmarks import bench_clip, load
from tests.benchmarks.bench_serve import framed
from tests.support import factories
from tests.support.encoders import film
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


def report(what: str, unit: str, sizes: Sequence[float], costs: Sequence[float]) -> None:
    """Print a series and its exponent."""
    half = len(sizes) // 2
    logs = np.log(sizes[half - 1 :]), np.log(costs[half - 1 :])
    exponent = np.polyfit(*logs, 1)[0]
    print(f"{what}: exponent {exponent:.2f}")
    for size, cost in zip(sizes, costs, strict=True):
        print(f"  {size:7g} {cost:9.1f} {unit}", flush=True)


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


def in_process(rounds: int) -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)
    malloc.keep_freed()
    recognizer = Recognizer(Configuration(faces=max(FACES)))
    recognizer.warm_up()
    names = "surprise_onset.jpg", "surprise_apex.jpg"

    def pair_ms(pictures: Sequence[bytes], count: int) -> float:
        def work() -> None:
            answer = recognizer.frames(*pictures, faces="all" if count > 1 else "one")
            assert count == 1 or len(answer.faces) == count

        return 1e3 * processor_s(work, rounds)

    sizes = [pair_ms([sized(name, each) for name in names], 1) for each in MEGAPIXELS]
    report("a pair against its megapixels", "ms", MEGAPIXELS, sizes)
    crowds = [pair_ms([crowd(name, each) for name in names], each) for each in FACES]
    report("a pair of 1280 x 640 against its faces", "ms", FACES, crowds)
    clips = [film(bench_clip.frames(each), fps=100) for each in FRAMES]
    lengths = [1e3 * processor_s(lambda clip=clip: recognizer.clip(clip), rounds) for clip in clips]  # type: ignore[misc]
    report("a clip of 640 x 480 against its frames", "ms", FRAMES, lengths)


def against_workers() -> None:
    onset, apex = framed("surprise_onset.jpg"), framed("surprise_apex.jpg")
    request = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    counts = range(1, len(os.sched_getaffinity(0)) + 1)
    rates = []
    for workers in counts:
        with (
            tempfile.TemporaryDirectory() as home,
            serving(Path(home), workers=workers) as server,
        ):
            start = time.perf_counter()
            replies = asyncio.run(load.closed_loop(server.port, request, 2 * workers, 10))
            rates.append(len(replies) / (time.perf_counter() - start))
    print("answers a second against workers")
    for workers, rate in zip(counts, rates, strict=True):
        print(f"  {workers:7} {rate:9.1f}, {rate / workers / rates[0]:.2f} of one each")


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


def against_uploads() -> None:
    memory = []
    for count in UPLOADS:
        with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=1) as server:
            memory.append(asyncio.run(_held(server.port, count, server.process.pid)))
    report(
        f"memory of the server against uploads of {UPLOAD_BYTES >> 20} MiB at once",
        "MB",
        UPLOADS,
        memory,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    in_process(options.rounds)
    against_workers()
    against_uploads()


if __name__ == "__main__":
    main()
