"""The cost of detecting and cropping a face on one core, and the stability of its landmarks.

    python -m tests.benchmarks.bench_face

Prints medians of the processor time of this process, which other processes on the machine do not
change; compare them on one machine only.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from off_tanet.recognition.face.detector import FaceDetector, align, crop, whole
from off_tanet.types import CROP_SIZE, Face, Pixels

from tests.support import factories
from tests.support.paths import ROOT

ASSETS = ROOT / "service/off_tanet/assets"
RUNS, SHOTS, NOISE = 60, 40, 2.0


def milliseconds(work: Callable[[], object]) -> float:
    """The median over `RUNS` runs, after one warm-up."""
    work()
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def scene(width: int, height: int) -> Pixels:
    """The portrait in a webcam's frame: the face is 40% of the height."""
    face = factories.portrait()[:270, 50:410]
    return np.asarray(cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def points(face: Face) -> list[tuple[float, float]]:
    marks = face.landmarks
    return [marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right]


def stillness(detector: FaceDetector, pixels: Pixels) -> float:
    """Standard deviation of a landmark's coordinate under noise, in pixels at 112 x 112."""
    random = np.random.default_rng(0)
    turn = align(detector.detect(pixels)[0])[:, :2]
    found = []
    for _ in range(SHOTS):
        noisy = np.clip(np.rint(pixels + random.normal(0, NOISE, pixels.shape)), 0, 255)
        found.append(np.array(points(detector.detect(noisy.astype(np.uint8))[0])) @ turn.T)
    return float(np.std(found, axis=0).mean())


def main() -> None:
    cv2.setNumThreads(1)
    detector = FaceDetector(ASSETS)
    print(f"{'picture':>12}{'detect':>10}{'crop':>10}{'whole':>10}   ms, one thread")
    for width, height in ((320, 240), (640, 480), (1280, 960), (4000, 3000)):
        pixels = scene(width, height)
        where = align(detector.detect(pixels)[0])
        times = (
            milliseconds(partial(detector.detect, pixels)),
            milliseconds(partial(crop, pixels, where)),
            milliseconds(partial(whole, pixels)),
        )
        print(f"{f'{width} x {height}':>12}" + "".join(f"{each:10.2f}" for each in times))
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    print(f"no face (noise, 640 x 480): {milliseconds(partial(detector.detect, noise)):.2f} ms")
    still = stillness(detector, scene(640, 480))
    print(f"landmarks under noise of sigma {NOISE:g}: {still:.3f} px at {CROP_SIZE} x {CROP_SIZE}")


if __name__ == "__main__":
    main()
