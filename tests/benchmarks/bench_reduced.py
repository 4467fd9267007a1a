"""How far answers for large photographs depend on their being reduced while they are decoded.

    python -m tests.benchmarks.bench_reduced

A portrait of 6.8 and of 12 megapixels makes each expression, weak and strong, and two shots are
taken of each. Prints the largest differences of the probabilities for the reduced photographs from
those for the whole ones; and, to compare, those between the two shots of one pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import cv2
import numpy as np
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.alignment import align
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.media import jpeg
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Prediction
from off_tanet_export.synthesis.camera import Floats, shoot, warp
from off_tanet_export.synthesis.samples import EXPRESSIONS, motion

from tests.benchmarks.bench_face import scene
from tests.support import factories

SIZES = ((3000, 2250), (4000, 3000))
STRENGTHS, SHOTS, QUALITY = (0.5, 1.0), 2, 92


def pairs(detector: FaceDetector) -> Iterator[tuple[Floats, Floats]]:
    """Onset and apex of each size, expression and strength, [H, W, 3]."""
    for width, height in SIZES:
        onset = scene(width, height)
        where = align(detector.detect(onset)[0])
        for units in EXPRESSIONS.values():
            field = motion(units, where, max(width, height))[:, :height, :width]
            for strength in STRENGTHS:
                yield onset.astype(np.float32), warp(onset.astype(np.float32), strength * field)


def difference(one: Prediction, other: Prediction) -> float:
    """The largest difference of a probability."""
    shares = one.probabilities
    return max(abs(shares[name] - other.probabilities[name]) for name in shares)


def line(name: str, differences: list[float]) -> str:
    """The median and the largest of some differences."""
    return f"{name}: median {np.median(differences):.4f}, largest {max(differences):.4f}"


def main() -> None:
    cv2.setNumThreads(1)
    recognizer, rng = Recognizer(), np.random.default_rng(1)
    reduced, noise, labels = [], [], 0
    for pair in pairs(FaceDetector(ASSETS)):
        wholes: list[Prediction] = []
        for _ in range(SHOTS):
            onset, apex = (factories.jpeg(shoot(each, rng), QUALITY) for each in pair)
            assert jpeg.common_reduction(onset, apex) > 1
            answer = recognizer.frames(onset, apex)
            with mock.patch.object(jpeg, "common_reduction", return_value=1):
                wholes.append(recognizer.frames(onset, apex))
            reduced.append(difference(answer, wholes[-1]))
            labels += answer.label == wholes[-1].label
        noise.append(difference(*wholes))
    print(f"{len(reduced)} pairs, {labels} with the same label")
    print(line("reduced photographs and whole ones", reduced))
    print(line("two shots of one pair, whole", noise))


if __name__ == "__main__":
    main()
