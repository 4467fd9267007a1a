"""The effect of a change of light between onset and apex on motion and labels: `make bench-light`.

    python -m tests.benchmarks.bench_light [--faces 4]

The same image in another light should show no motion, and a pair should keep its label in any light
of its apex; a clip keeps label and apex under a flickering lamp. Figures without and with light
matching are printed next to each other, where both are known.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.configuration import Configuration
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.flow import light, tvl1
from off_tanet.recognition.motion import head_motion
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Crop, Flow, Pixels
from off_tanet_export.synthesis import samples
from threadpoolctl import threadpool_limits

from tests.support import synthetic_video
from tests.support.encoders import film

Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Measure = Callable[[Crop, Crop], Flow]


def gain(percent: int) -> Change:
    return lambda levels: levels * (1 + percent / 100)


def offset(by: int) -> Change:
    return lambda levels: levels + by


def gamma(exponent: float) -> Change:
    return lambda levels: 255 * (levels / 255) ** exponent


def from_side(percent: int, axis: int) -> Change:
    """Brighter by this factor on one side, darker on the other."""

    def changed(levels: NDArray[np.float64]) -> NDArray[np.float64]:
        slope = 1 + percent / 100 * np.linspace(-1, 1, levels.shape[axis])
        return levels * np.expand_dims(slope, (1 - axis, 2))

    return changed


def by_row(rows: NDArray[np.float64]) -> Change:
    return lambda levels: levels * rows[:, None, None]


CHANGES: Mapping[str, Change] = {
    **{f"gain {percent:+} %": gain(percent) for percent in (-20, -10, -5, -2, 2, 5, 10, 12, 20)},
    **{f"offset {by:+}": offset(by) for by in (-20, -10, -5, 5, 10, 20)},
    **{f"gamma {exponent}": gamma(exponent) for exponent in (0.8, 0.9, 1.1, 1.25)},
    **{f"across {percent:+} %": from_side(percent, 1) for percent in (-20, -10, 10, 20)},
    **{f"down {percent:+} %": from_side(percent, 0) for percent in (-20, -10, 10, 20)},
}

Lamp = Callable[[int, int], NDArray[np.float64]]
"""The light of each row of a frame: [rows]."""


def flicker(fps: int) -> Lamp:
    return lambda index, rows: np.full(rows, 1 + 0.12 * np.sin(2 * np.pi * 100 * index / fps + 0.7))


def rolling(index: int, rows: int) -> NDArray[np.float64]:
    """A shutter that spans two periods of the lamp in a frame, at 120 frames a second."""
    phase = 100 * index / 120 + 2 * np.arange(rows) / rows
    return np.asarray(1 + 0.12 * np.sin(2 * np.pi * phase))


def ramp(index: int, rows: int) -> NDArray[np.float64]:
    return np.full(rows, 0.6 + 0.6 * index / samples.CLIP_FRAMES)


CLIPS: Mapping[str, tuple[int, Lamp]] = {
    "flicker at 120 fps": (120, flicker(120)),
    "flicker at 200 fps": (200, flicker(200)),
    "rolling bands": (120, rolling),
    "exposure ramp": (100, ramp),
}


def lit(pixels: Pixels, change: Change) -> Pixels:
    return np.clip(np.rint(change(pixels.astype(np.float64))), 0, 255).astype(np.uint8)


Cropping = Callable[[Pixels], Crop]


def sample_pairs() -> Iterator[tuple[Pixels, Pixels, Cropping]]:
    where = samples.locate_crop(samples.portrait(samples.SIZE))
    for onset, apex in samples.pairs().values():
        yield onset, apex, lambda pixels: crop(pixels, where)


def other_pairs(count: int) -> Iterator[tuple[Pixels, Pixels, Cropping]]:
    """The public-domain portrait in other shapes and skin tones; the head moves about a pixel."""
    for seed in range(count):
        scene = synthetic_video.clip_scene(1000 + seed, 30.0, head_px=1.0)
        frames = list(synthetic_video.film(scene))
        (event,) = scene.events
        places = (int(np.abs(scene.times_s - at).argmin()) for at in (event.onset_s, event.apex_s))
        onset, apex = (frames[place] for place in places)
        yield onset, apex, lambda pixels: crop(pixels, synthetic_video.PLACE)


def matched_flow(onset: Crop, apex: Crop) -> Flow:
    return light.matched(onset, apex).flow()


def bench_pairs(faces: int) -> None:
    classifier = Classifier(Configuration().model)
    pairs = list(chain(sample_pairs(), other_pairs(faces)))

    def label(flow: Flow) -> int:
        return int(classifier.classify(flow).probabilities.argmax())

    print(f"{len(pairs)} pairs; motion of the same picture, labels changed, without -> with")
    for name, change in CHANGES.items():
        moved: dict[Measure, list[float]] = {tvl1: [], matched_flow: []}
        changed = dict.fromkeys(moved, 0)
        for onset, apex, cropped in pairs:
            still, before, after = (
                cropped(picture) for picture in (lit(onset, change), onset, lit(apex, change))
            )
            for measure, motions in moved.items():
                motions.append(head_motion.strength(measure(before, still)))
                plain = label(measure(before, cropped(apex)))
                changed[measure] += label(measure(before, after)) != plain
        row = " -> ".join(f"{np.mean(motions):5.2f}" for motions in moved.values())
        labels = " -> ".join(f"{count:2}" for count in changed.values())
        worst = max(moved[matched_flow])
        print(f"{name:14} {row} px (at most {worst:.2f}), labels {labels}", flush=True)


def bench_clips() -> None:
    recognizer = Recognizer()
    frames = samples.clip()
    for name, (fps, lamp) in CLIPS.items():
        lights = (lamp(index, len(frame)) for index, frame in enumerate(frames))
        shown = [lit(frame, by_row(rows)) for frame, rows in zip(frames, lights, strict=True)]
        plain, seen = (
            recognizer.clip(film(clip, fps=fps, options={"crf": "12"})) for clip in (frames, shown)
        )
        print(
            f"{name:20} label {plain.label} -> {seen.label}, "
            f"apex {plain.apex.index} -> {seen.apex.index}, warnings {seen.quality.warnings}"
        )


def bench_time() -> None:
    onset, apex, cropped = next(sample_pairs())
    crops = cropped(onset), cropped(apex)
    for name, work in (("matching", light.matched), ("TV-L1", tvl1)):
        started = time.process_time()
        for _ in range(100):
            work(*crops)
        print(f"{name}: {10 * (time.process_time() - started):.2f} ms a pair")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=4, help="besides the three samples")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    threadpool_limits(1)
    bench_pairs(given.faces)
    bench_clips()
    bench_time()


if __name__ == "__main__":
    main()
