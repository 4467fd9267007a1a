"""The cost of detecting, placing and cropping a face on one core, and how stable the crop is.

    python -m tests.benchmarks.bench_face

Prints medians. Times are of the process's own processor time, so that other processes do not count;
compare them on one machine only. Shifts are in pixels at 112 x 112.
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
from off_tanet.recognition.face.cropping import crop, whole
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.types import CROP_SIZE, Crop, Pixels, Similarity
from off_tanet_export.synthesis.face_generator import EXTENT, MARGIN, draw

from tests.support import factories
from tests.support.paths import ROOT

ASSETS = ROOT / "service/off_tanet/assets"
RUNS, SHOTS, NOISE = 60, 40, 2.0
SIZES = ((320, 240), (640, 480), (1280, 960), (1920, 1080), (4000, 3000))
FACES = (94, 130, 190, 280, 400)  # pixels
PORTRAIT_FACE = 124  # pixels: the height of the portrait's landmarks
HEADS, HEAD_SIZE = 200, 480

LAST = CROP_SIZE - 1
PROBES = np.array([(0, 0), (LAST, 0), (0, LAST), (LAST, LAST), (LAST / 2, LAST / 2)])
"""The corners of the crop and its centre."""

EYES_AND_NOSE = (0.5 - 0.235, 0.28), (0.5 + 0.235, 0.28), (0.5, 0.52)
"""Where the generator draws them on average, as shares of the crop."""

Points = NDArray[np.float64]


def milliseconds(work: Callable[[], object]) -> float:
    """The median over `RUNS` runs, after one that does not count."""
    work()
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def scene(width: int, height: int) -> Pixels:
    """The portrait as a webcam has it: the face is 40% of the height."""
    face = factories.portrait()[:270, 50:410]
    return np.asarray(cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def scaled(pixels: Pixels, factor: float) -> Pixels:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=how), np.uint8)


def onset(detector: FaceDetector, pixels: Pixels) -> Crop:
    """The face stage of the first frame."""
    return crop(pixels, align(detector.detect(pixels)[0]))


def apex(detector: FaceDetector, pixels: Pixels, face: FaceLandmarks) -> Crop:
    """The face stage of a later frame."""
    followed = detector.follow(pixels, face)
    assert followed
    return crop(pixels, align(followed))


def print_times(detector: FaceDetector) -> None:
    names = ("detect", "follow", "align", "crop", "whole", "onset", "apex")
    print(f"{'picture':>12}" + "".join(f"{name:>9}" for name in names) + "   ms, one thread")
    for width, height in SIZES:
        pixels = scene(width, height)
        face = detector.detect(pixels)[0]
        works: tuple[Callable[[], object], ...] = (
            partial(detector.detect, pixels),
            partial(detector.follow, pixels, face),
            partial(align, face),
            partial(crop, pixels, align(face)),
            partial(whole, pixels),
            partial(onset, detector, pixels),
            partial(apex, detector, pixels, face),
        )
        times = "".join(f"{milliseconds(work):9.2f}" for work in works)
        print(f"{f'{width} x {height}':>12}{times}")
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    for name, pixels in (("noise, 640 x 480", noise), ("a wall, 12 MP", wall(4000, 3000))):
        print(f"no face ({name}): {milliseconds(partial(detector.detect, pixels)):.1f} ms")


def wall(width: int, height: int) -> Pixels:
    return np.full((height, width, 3), 150, np.uint8)


def print_stillness(detector: FaceDetector) -> None:
    """Standard deviations under noise of a landmark's coordinate and of the crop's place."""
    print(f"\nnoise of sigma {NOISE:g}; deviations in px of landmarks, crop's centre, its corners")
    for size in FACES:
        pixels = scaled(factories.portrait(), size / PORTRAIT_FACE)
        face = detector.detect(pixels)[0]
        followed, detected = stillness(detector, pixels, face)
        print(f"face of {size:3} px:  followed {followed}   detected {detected}")


def stillness(detector: FaceDetector, pixels: Pixels, face: FaceLandmarks) -> tuple[str, str]:
    """The deviations where the face is followed from one frame, and where it is detected anew."""
    random = np.random.default_rng(0)
    followed, detected = [], []
    for _ in range(SHOTS):
        noisy = np.clip(np.rint(pixels + random.normal(0, NOISE, pixels.shape)), 0, 255)
        shot = noisy.astype(np.uint8)
        again = detector.follow(shot, face)
        assert again
        followed.append(again)
        detected.append(detector.detect(shot)[0])
    return deviations(followed, align(face)), deviations(detected, align(face))


def deviations(shots: list[FaceLandmarks], where: Similarity) -> str:
    landmarks = np.std([transform(shot.points[:, :2], where) for shot in shots], axis=0)
    moved = np.std([displacement(where, align(shot)) for shot in shots], axis=0)
    return f"{landmarks.mean():.3f} {moved[4].mean():.3f} {moved[:4].mean():.3f}"


def displacement(first: Similarity, second: Similarity) -> Points:
    """How far the second crop's content is from the first's, at the probes, [5, 2]."""
    inverse = np.asarray(cv2.invertAffineTransform(first), np.float64)
    moved: Points = transform(transform(PROBES, inverse), second) - PROBES
    return moved


def print_placement(detector: FaceDetector) -> None:
    """Made heads: how their crops are placed against the generator's."""
    scale = EXTENT * CROP_SIZE / HEAD_SIZE
    shift = 0.5 * scale - MARGIN * CROP_SIZE - 0.5
    made = np.array([[scale, 0, shift], [0, scale, shift]])
    shifts, points = [], []
    for seed in range(HEADS):
        grey = draw(np.random.default_rng(seed), HEAD_SIZE)
        pixels = np.dstack([np.rint(grey).astype(np.uint8)] * 3)
        for face in detector.detect(pixels)[:1]:
            where = align(face)
            shifts.append(displacement(made, where))
            points.append(transform(face.five()[:3], where))
    print(f"\nmade heads: {len(shifts)} of {HEADS} detected; against the generator's crop, in px:")
    expected = np.array(EYES_AND_NOSE) * CROP_SIZE - 0.5
    places = ("left eye", "right eye", "nose")
    for name, values in (
        ("shift of the corners", np.array(shifts)[:, :4]),
        ("shift of the centre", np.array(shifts)[:, 4:]),
        *((name, np.array(points)[:, [n]] - expected[n]) for n, name in enumerate(places)),
    ):
        mean, spread = np.abs(values.mean(axis=0)).mean(axis=0), values.std(axis=0).mean(axis=0)
        print(
            f"{name:>20}: mean {mean[0]:.2f} across, {mean[1]:.2f} down; "
            f"spread {spread[0]:.2f}, {spread[1]:.2f}"
        )


def main() -> None:
    cv2.setNumThreads(1)
    detector = FaceDetector(ASSETS)
    print_times(detector)
    print_stillness(detector)
    print_placement(detector)


if __name__ == "__main__":
    main()
