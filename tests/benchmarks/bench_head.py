"""Expressions on heads that move: how often the class is right, and what a moving head shows.

    python -m tests.benchmarks.bench_head [FOLDER]

Each face makes an expression of each class, and none, while its head makes the same motion. The
faces are the portrait of the samples and, where FOLDER is given, those of its pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from off_tanet.configuration import Configuration
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.trackers import FaceTracker
from off_tanet.recognition.motion.head_motion import measure_strengths
from off_tanet.recognition.motion.stabilization import expression_flow
from off_tanet.recognition.pair import crop_pair
from off_tanet.recognition.quality import least_motion_px
from off_tanet.types import CLASSES

from tests.support.turned_heads import Portrait, Turn, expression, portraits, shot

FACES = 40
PX = 1.5
NOISE = 1.5  # grey levels
SEED = 0

TURNS: Mapping[str, Turn] = {
    "still": Turn(),
    "0.3 px": Turn(right=0.3, down=0.1),
    "1 px": Turn(right=0.8, down=-0.6),
    "3 px": Turn(right=2.4, down=1.8),
    "5 px": Turn(right=4, down=3),
    "yaw 0.5": Turn(yaw=0.5),
    "yaw 1": Turn(yaw=1),
    "yaw 2": Turn(yaw=2),
    "yaw 5": Turn(yaw=5),
    "yaw 10": Turn(yaw=10),
    "pitch 1": Turn(pitch=1),
    "pitch 3": Turn(pitch=3),
    "pitch 5": Turn(pitch=5),
    "roll 3": Turn(roll=3),
    "all": Turn(yaw=3, pitch=2, roll=2, right=1, down=1),
}


def measure(portrait: Portrait, seed: int) -> list[tuple[str, int | None, int, float, float]]:
    """Recognise each expression during each turn: turn, label, answer, strength, head's motion."""
    rng = np.random.default_rng([SEED, seed])
    configuration = Configuration()
    detector = FaceDetector(configuration.detector)
    classifier = Classifier(configuration.model)
    onset = shot(portrait.picture, NOISE, rng)
    rows = []
    for label in (None, *range(len(CLASSES))):
        motion = None if label is None else expression(label, 100 * seed + label, PX)
        for name, turn in TURNS.items():
            apex = shot(portrait.frame(motion, mirrored(turn, rng)), NOISE, rng)
            pair = crop_pair(onset, apex, FaceTracker(detector))
            measured = expression_flow(*pair.crops, pair.shape)
            answer = int(classifier.classify(measured.flow).probabilities.argmax())
            head = (pair.aligned + measured.head).magnitude_px
            rows.append((name, label, answer, measure_strengths(measured.flow).expression, head))
    return rows


def mirrored(turn: Turn, rng: np.random.Generator) -> Turn:
    """The turn to a random side, up or down."""
    yaw, pitch, roll = rng.choice((-1, 1), 3)
    return Turn(turn.yaw * yaw, turn.pitch * pitch, turn.roll * roll, turn.right, turn.down)


def main() -> None:
    """Print a line for each turn."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    faces = list(portraits(folder, FACES))
    rows = [row for seed, face in enumerate(faces) for row in measure(face, seed)]
    thresholds = Configuration().thresholds
    print(f"{len(faces)} faces, expressions of {PX} px, noise of {NOISE} grey levels")
    still = [row[2] == row[1] for row in rows if row[0] == "still" and row[1] is not None]
    for name in TURNS:
        made = [row for row in rows if row[0] == name]
        right = [row[2] == row[1] for row in made if row[1] is not None]
        kept = [after for before, after in zip(still, right, strict=True) if before]
        strengths = [row[3] for row in made if row[1] is not None]
        alone = np.array([row[3] for row in made if row[1] is None])
        least = np.array([least_motion_px(row[4], thresholds) for row in made if row[1] is None])
        print(
            f"{name:9} class right {np.mean(right):.2f}, of what is right on a still head"
            f" {np.mean(kept):.2f}; strength {np.median(strengths):.2f} px; head alone: median"
            f" {np.median(alone):.2f} px, no_motion {(alone < least).mean():.2f}; head"
            f" {np.median([row[4] for row in made]):.2f} px"
        )


if __name__ == "__main__":
    main()
