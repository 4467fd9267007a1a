"""The time of a pair of pictures in process, stage by stage, from the bytes of two JPEGs.

    make bench-pair [RUNS=60]

Prints, for pictures of several sizes, the median and the 10th to the 90th percentile of each stage:
milliseconds of processor time, which other processes on the machine change little. `clock` is the
wall clock of the whole: large photographs are decoded at the same time, if a second core is free.
Compare figures of one machine only. The pictures are the service's own sample, and a portrait whose
face is 40% of the height.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace
from unittest import mock

import cv2
import numpy as np
from off_tanet.configuration import ASSETS
from off_tanet.recognition import stopwatch
from off_tanet.recognition.recognizer import Recognizer
from threadpoolctl import threadpool_limits

from tests.benchmarks.bench_face import scene
from tests.support import factories

SIZES = ((320, 240), (640, 480), (1920, 1080), (4000, 3000), (8192, 6144))
LARGE = 10_000_000  # pixels; pictures from this size on are measured with fewer runs
NOISE = 1.2  # of a camera, grey levels; without it a JPEG of an enlarged picture is small


def samples() -> tuple[bytes, bytes]:
    """The sample of a smile, 480 x 480."""
    onset, apex = (ASSETS / f"samples/positive_{which}.jpg" for which in ("onset", "apex"))
    return onset.read_bytes(), apex.read_bytes()


def portraits(width: int, height: int) -> tuple[bytes, bytes]:
    """Two photographs of one face, which differ in noise alone."""
    face, rng = scene(width, height), np.random.default_rng(0)
    levels = [np.empty_like(face) for _ in range(2)]
    for picture in levels:
        for row in range(0, height, 256):  # floats of a whole picture would take a gigabyte
            rows = face[row : row + 256]
            noise = rng.normal(0, NOISE, rows.shape).astype(np.float32)
            picture[row : row + 256] = np.clip(np.rint(rows + noise), 0, 255).astype(np.uint8)
    onset, apex = (factories.jpeg(picture, quality=90) for picture in levels)
    return onset, apex


def stages(recognizer: Recognizer, pair: tuple[bytes, bytes], runs: int) -> dict[str, list[float]]:
    """Milliseconds of each stage in each run, after two warm-ups."""
    times: dict[str, list[float]] = {}
    clock = SimpleNamespace(perf_counter=time.process_time)
    with mock.patch.object(stopwatch, "time", clock):
        for run in range(-2, runs):
            start = time.perf_counter()
            spent = dict(recognizer.frames(*pair).timings_ms)
            spent["clock"] = 1e3 * (time.perf_counter() - start)
            for name, milliseconds in spent.items():
                if run >= 0:
                    times.setdefault(name, []).append(milliseconds)
    return times


def line(name: str, pair: tuple[bytes, bytes], times: dict[str, list[float]]) -> str:
    """The stages of one pair of pictures: median (10th to 90th percentile)."""
    cells = []
    for each in times.values():
        low, middle, high = np.percentile(each, [10, 50, 90])
        cells.append(f"{middle:.2f} ({low:.2f}-{high:.2f})".rjust(25))
    return f"{name:>12}{sum(map(len, pair)) / 2000:7.0f}" + "".join(cells)


def main(arguments: Sequence[str]) -> None:
    runs = int(arguments[0]) if arguments else 60
    cv2.setNumThreads(1)
    recognizer = Recognizer()
    pictures = {"sample": samples()}
    pictures |= {f"{width} x {height}": portraits(width, height) for width, height in SIZES}
    print(f"ms of processor time and by the clock: median (10th-90th percentile) of {runs} runs")
    with threadpool_limits(1):
        for number, (name, pair) in enumerate(pictures.items()):
            large = number and np.prod(SIZES[number - 1]) >= LARGE
            times = stages(recognizer, pair, max(5, runs // 10) if large else runs)
            if not number:
                heads = "".join(f"{stage:>25}" for stage in times)
                print(f"{'picture':>12}{'kB':>7}{heads}")
            print(line(name, pair, times), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
