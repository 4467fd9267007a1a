"""The cost of detecting and cropping a face on one core, and the stability of its landmarks.

    python -m tests.benchmarks.bench_face

Prints medians of the processor time of this process, which other processes on the machine do not
change; compare them on one machine only.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.recognition.face.alignment import align, transform
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.trackers import FaceTracker
from off_tanet.types import CROP_SIZE, Pixels, Similarity
from off_tanet_export.synthesis import face_generator

from tests.support import factories, synthetic_video
from tests.support.face_scenes import colour, resized
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
    across = 270 * width // height
    left = max(230 - across // 2, 0)
    face = factories.portrait()[:270, left : left + across]
    return np.asarray(cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def without_face() -> Iterator[tuple[str, Pixels]]:
    """Noise, for which the most work is done, a photograph of public domain, and a wall."""
    yield "noise, 640 x 480", np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    for width, height in ((640, 480), (1920, 1080)):
        yield f"a cup, {width} x {height}", resized(colour("coffee"), width, height)
    yield "a wall, 4000 x 3000", np.full((3000, 4000, 3), 150, np.uint8)


def stillness(
    pixels: Pixels, find: Callable[[Pixels], FaceLandmarks | None], where: Similarity
) -> tuple[float, float]:
    """Standard deviations under noise, in pixels at 112 x 112: of landmarks, of the crop."""
    random = np.random.default_rng(0)
    back = np.asarray(cv2.invertAffineTransform(where), np.float64)
    middle = transform(np.full((1, 2), CROP_SIZE / 2), back)
    landmarks, middles = [], []
    for _ in range(SHOTS):
        noisy = np.clip(np.rint(pixels + random.normal(0, NOISE, pixels.shape)), 0, 255)
        found = find(noisy.astype(np.uint8))
        assert found
        landmarks.append(found.points[:, :2] @ where[:, :2].T)
        middles.append(transform(middle, align(found)))
    return float(np.std(landmarks, axis=0).mean()), float(np.std(middles, axis=0).mean())


class Follower:
    """Finds a face from frame to frame, as a tracker does."""

    def __init__(self, detector: FaceDetector, pixels: Pixels) -> None:
        self._detector = detector
        self._face: FaceLandmarks | None = detector.detect(pixels)[0]

    def __call__(self, pixels: Pixels) -> FaceLandmarks | None:
        """Follow the face to the next frame."""
        assert self._face
        self._face = self._detector.follow(pixels, self._face)
        return self._face


def print_stillness(detector: FaceDetector) -> None:
    pixels = scene(640, 480)
    where = align(detector.detect(pixels)[0])
    ways: dict[str, Callable[[Pixels], FaceLandmarks | None]] = {
        "followed from frame to frame": Follower(detector, pixels),
        "detected on each frame": lambda frame: detector.detect(frame)[0],
    }
    for name, find in ways.items():
        landmark, middle = stillness(pixels, find, where)
        print(
            f"noise of sigma {NOISE:g}, {name}: landmarks {landmark:.3f} px,"
            f" crop's middle {middle:.3f} px at {CROP_SIZE} x {CROP_SIZE}"
        )


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
    for name, pixels in without_face():
        print(f"no face ({name}): {milliseconds(partial(detector.detect, pixels)):.1f} ms")
    print_stillness(detector)
    placed = placements(detector)
    mean, spread = placed.mean(axis=(0, 1)), placed.std(axis=0).mean(axis=0)
    print(
        f"{len(placed)} of {MADE} made faces found; their eyes, noses and mouths lie"
        f" ({mean[0]:+.1f}, {mean[1]:+.1f}) px from the nominal places, with a standard deviation"
        f" of ({spread[0]:.1f}, {spread[1]:.1f}) px"
    )


if __name__ == "__main__":
    main()
