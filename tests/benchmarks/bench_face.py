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
from numpy.typing import NDArray
from off_tanet.recognition.face.alignment import align, transform
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.trackers import FaceTracker
from off_tanet.types import CROP_SIZE, Pixels
from off_tanet_export.synthesis import face_generator

from tests.support import factories, synthetic_video
from tests.support.paths import ROOT

ASSETS = ROOT / "service/off_tanet/assets"
RUNS, SHOTS, NOISE = 60, 40, 2.0
MADE, MADE_SIDE = 200, 320


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


def stillness(detector: FaceDetector, pixels: Pixels) -> tuple[float, float]:
    """Standard deviations under noise, in pixels at 112 x 112: of landmarks, of the crop."""
    random = np.random.default_rng(0)
    where = align(detector.detect(pixels)[0])
    back = np.asarray(cv2.invertAffineTransform(where), np.float64)
    middle = transform(np.full((1, 2), CROP_SIZE / 2), back)
    landmarks, middles = [], []
    for _ in range(SHOTS):
        noisy = np.clip(np.rint(pixels + random.normal(0, NOISE, pixels.shape)), 0, 255)
        found = detector.detect(noisy.astype(np.uint8))[0]
        landmarks.append(found.points[:, :2] @ where[:, :2].T)
        middles.append(transform(middle, align(found)))
    return float(np.std(landmarks, axis=0).mean()), float(np.std(middles, axis=0).mean())


def pair(detector: FaceDetector, pixels: Pixels) -> None:
    """The whole face stage of a request with two pictures."""
    tracker = FaceTracker(detector)
    tracker.track(pixels)
    tracker.track(pixels)


def placements(detector: FaceDetector) -> NDArray[np.float64]:
    """Where the crops of made faces have eyes, nose and mouth, against their nominal places.

    Returns:
        Pixels at 112 x 112, [N, 5, 2], of the N faces of `MADE` that are found.
    """
    rng = np.random.default_rng(0)
    nominal = synthetic_video.PLACES
    true = (nominal + face_generator.MARGIN) * MADE_SIDE / face_generator.EXTENT - 0.5
    found = []
    for _ in range(MADE):
        face = face_generator.draw(rng, MADE_SIDE).clip(0, 255).astype(np.uint8)
        faces = detector.detect(np.dstack([face] * 3))
        if faces:
            found.append(transform(true, align(faces[0])) - (nominal * CROP_SIZE - 0.5))
    return np.array(found)


def main() -> None:
    cv2.setNumThreads(1)
    detector = FaceDetector(ASSETS)
    names = ("detect", "follow", "crop", "pair")
    print(f"{'picture':>12}" + "".join(f"{name:>10}" for name in names) + "   ms, one thread")
    for width, height in ((320, 240), (640, 480), (1920, 1080), (4000, 3000)):
        pixels = scene(width, height)
        face = detector.detect(pixels)[0]
        times = (
            milliseconds(partial(detector.detect, pixels)),
            milliseconds(partial(detector.follow, pixels, face)),
            milliseconds(partial(crop, pixels, align(face))),
            milliseconds(partial(pair, detector, pixels)),
        )
        print(f"{f'{width} x {height}':>12}" + "".join(f"{each:10.2f}" for each in times))
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    print(f"no face (noise, 640 x 480): {milliseconds(partial(detector.detect, noise)):.2f} ms")
    landmark, middle = stillness(detector, scene(640, 480))
    print(
        f"noise of sigma {NOISE:g}: landmarks {landmark:.3f} px, crop's middle {middle:.3f} px at"
        f" {CROP_SIZE} x {CROP_SIZE}"
    )
    placed = placements(detector)
    mean, spread = placed.mean(axis=(0, 1)), placed.std(axis=0).mean(axis=0)
    print(
        f"{len(placed)} of {MADE} made faces found; their eyes, noses and mouths lie"
        f" ({mean[0]:+.1f}, {mean[1]:+.1f}) px from the nominal places, with a standard deviation"
        f" of ({spread[0]:.1f}, {spread[1]:.1f}) px"
    )


if __name__ == "__main__":
    main()
