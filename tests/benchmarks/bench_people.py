"""Different people and one person, as two pictures of a request: how often each is told.

    python -m tests.benchmarks.bench_people PHOTOGRAPHS CLIPS

Two photographs show different people if their names differ in more than digits. Frames of one clip,
at most a second apart, show one person. The pictures are not part of this repository.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from off_tanet.configuration import ASSETS
from off_tanet.errors import OffTanetError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.trackers import MultiFaceTracker
from off_tanet.recognition.media.video import open_clip
from off_tanet.recognition.pair import crop_pairs
from off_tanet.recognition.same_person import differs
from off_tanet.types import Frame, Pixels

PHOTOGRAPHS, PER_CLIP = 800, 12  # pairs
STEP_S, APART_S, LAST_S = 0.2, 1.0, 6.0
_LIKE = 0.15  # natural logarithm of the largest difference in proportions of two photographs


def photographs(folder: Path, rng: np.random.Generator) -> Iterator[tuple[Pixels, Pixels]]:
    """Pairs of photographs of different people, the second one in the size of the first."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    while True:
        paths = [files[index] for index in rng.choice(len(files), 2, replace=False)]
        names = {re.sub(r"\d", "", path.stem) for path in paths}
        first, second = (cv2.imread(str(path)) for path in paths)
        if len(names) == 1 or first is None or second is None:
            continue
        proportions = [picture.shape[1] / picture.shape[0] for picture in (first, second)]
        if abs(np.log(proportions[0] / proportions[1])) < _LIKE:
            resized = cv2.resize(second, first.shape[1::-1], interpolation=cv2.INTER_AREA)
            yield np.asarray(first, np.uint8), np.asarray(resized, np.uint8)


def clips(folder: Path, rng: np.random.Generator) -> Iterator[tuple[Pixels, Pixels]]:
    """Pairs of frames of each clip."""
    for path in sorted(folder.rglob("*.mp4")):
        frames: list[Frame] = []
        for frame in open_clip(path.read_bytes(), MediaLimits(seconds=600, frames=20_000)):
            if frame.time_s > LAST_S:
                break
            if not frames or frame.time_s - frames[-1].time_s >= STEP_S:
                frames.append(frame)
        near = [two for two in combinations(frames, 2) if two[1].time_s - two[0].time_s <= APART_S]
        for index in rng.permutation(len(near))[:PER_CLIP]:
            first, second = near[index]
            yield first.pixels, second.pixels


def told(detector: FaceDetector, onset: Pixels, apex: Pixels) -> tuple[bool, bool] | None:
    """Whether the faces differ, and whether the service says so; None without a face."""
    try:
        (pair,) = crop_pairs(onset, apex, MultiFaceTracker(detector))
    except OffTanetError:
        return None
    again = MultiFaceTracker(detector)
    first, second = (again.track(picture)[0] for picture in (onset, apex))
    return second.crop is not None and differs(first, second), pair.different_scenes


def main() -> None:
    cv2.setNumThreads(1)
    rng, detector = np.random.default_rng(0), FaceDetector(ASSETS)
    pairs = {
        "different people": photographs(Path(sys.argv[1]), rng),
        "one person": clips(Path(sys.argv[2]), rng),
    }
    for name, two in pairs.items():
        answers: list[tuple[bool, bool]] = []
        for onset, apex in two:
            if (answer := told(detector, onset, apex)) is not None:
                answers.append(answer)
            if name == "different people" and len(answers) == PHOTOGRAPHS:
                break
        faces, service = np.mean(answers, axis=0)
        print(f"{name:17} {len(answers):5} pairs: faces differ in {faces:.2%}, told {service:.2%}")


if __name__ == "__main__":
    main()
