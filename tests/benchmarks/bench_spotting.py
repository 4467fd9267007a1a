"""The accuracy of onset, apex and whole expressions on synthetic clips and videos.

    make bench-spotting        (about half an hour on one core)

Everything in `off_tanet.recognition` was chosen on seeds below 1000; scoring begins at seed 1000:
other face shapes, skin tones, lights, expressions and head motions.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from off_tanet.configuration import Configuration
from off_tanet.limits import Durations, MediaLimits
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.flow import light
from off_tanet.recognition.media import video
from off_tanet.recognition.spotting import clip
from off_tanet.recognition.spotting.windows import ExpressionSpotter, SpottedInterval
from off_tanet.types import Crop, Moment, Pixels
from off_tanet_export.evaluation.spotting import Interval, SpottingScore, score
from threadpoolctl import threadpool_limits

from tests.support import encoders, factories, synthetic_video

RATES = (25.0, 30.0, 60.0, 100.0, 200.0)
EVENTS = (0, 0, 4, 8, 12, 20, 0, 2, 16, 6, 10, 0, 0, 14, 18, 1)
"""Micro-expressions of one synthetic video after another: five of sixteen have none."""
NOISES = (0.5, 1.0, 2.0, 1.0)

Coding = Callable[[Iterable[Pixels], float], Iterable[Pixels]]
"""Frames at this rate, after encoding and decoding."""


def uncoded(frames: Iterable[Pixels], _: float) -> Iterable[Pixels]:
    return frames


def jpeg(frames: Iterable[Pixels], _: float) -> Iterator[Pixels]:
    for frame in frames:
        data = np.frombuffer(factories.jpeg(frame, 70), np.uint8)
        yield np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def h264(frames: Iterable[Pixels], fps: float) -> Iterator[Pixels]:
    data = encoders.film(list(frames), fps=round(fps), options={"crf": "26"})
    return (frame.pixels for frame in video.open_clip(data, MediaLimits()))


@dataclass(frozen=True, slots=True)
class Disturbance:
    """The disturbances of a scene, and how its frames are coded."""

    scene: Mapping[str, Any]
    coding: Coding = uncoded


DISTURBANCES: Mapping[str, Disturbance] = MappingProxyType(
    {
        "still": Disturbance({"head_px": 0.0, "noise": 0.5}),
        "noise of 3 levels": Disturbance({"head_px": 0.0, "noise": 3.0}),
        "head moves 1 px": Disturbance({"head_px": 1.0}),
        "head moves 3 px": Disturbance({"head_px": 3.0}),
        "a blink": Disturbance({"blinks": (0.25,)}),
        "JPEG 70": Disturbance({"head_px": 0.5}, jpeg),
        "H.264, CRF 26": Disturbance({"head_px": 0.5}, h264),
    }
)


@dataclass(frozen=True, slots=True)
class ClipScore:
    """Errors as shares of the clip's length; whether both pairs have one class; `weak_apex`."""

    apex: float
    onset: float
    same_class: bool
    weak: bool


class Pairs:
    """The class that the service returns for an onset-apex pair."""

    def __init__(self) -> None:
        self._classifier = Classifier(Configuration().model)

    def label(self, onset: Crop, apex: Crop) -> int:
        return int(
            self._classifier.classify(light.matched(onset, apex).flow()).probabilities.argmax()
        )


def clip_score(scene: synthetic_video.Scene, coding: Coding, pairs: Pairs) -> ClipScore:
    """Spot one synthetic clip and compare with its true curve."""
    (event,) = scene.events
    crops = list(synthetic_video.crops(coding(synthetic_video.film(scene), scene.fps)))
    times_s = scene.times_s
    spotting = clip.spot(crops, times_s.tolist())
    found = spotting.best
    onset, apex = (int(np.abs(times_s - at).argmin()) for at in (event.onset_s, event.apex_s))
    labels = {
        pairs.label(crops[a], crops[b]) for a, b in ((onset, apex), (found.onset, found.read))
    }
    return ClipScore(
        apex=abs(times_s[found.apex] - event.apex_s) / scene.seconds,
        onset=abs(times_s[found.onset] - event.onset_s) / scene.seconds,
        same_class=len(labels) == 1,
        weak=spotting.weak,
    )


def sightings(scene: synthetic_video.Scene) -> Iterator[SpottedInterval]:
    """What the streaming spotter finds in a synthetic video."""
    spotter = ExpressionSpotter()
    crops = synthetic_video.crops(synthetic_video.film(scene))
    for index, (crop, time_s) in enumerate(zip(crops, scene.times_s, strict=True)):
        yield from spotter.add(TrackedFrame(crop, 0), Moment(index, float(time_s)))
    yield from spotter.finish()


def video_scores(scene: synthetic_video.Scene, pairs: Pairs) -> tuple[SpottingScore, SpottingScore]:
    """The scores of micro- and of macro-expressions in one synthetic video."""
    true: dict[str, list[Interval]] = {"micro": [], "macro": []}
    found: dict[str, list[Interval]] = {"micro": [], "macro": []}
    for event in scene.events:
        kind = "micro" if event.offset_s - event.onset_s <= Durations().longest_s else "macro"
        first, last = (
            int(np.abs(scene.times_s - at).argmin()) for at in (event.onset_s, event.offset_s)
        )
        true[kind].append(Interval(first, last, event.label))
    for each in sightings(scene):
        onset, apex = each.onset_frame.crop, each.classified_frame.crop
        assert onset is not None
        assert apex is not None
        label = pairs.label(onset, apex)
        found[each.kind].append(Interval(each.onset.index, each.offset.index, label))
    return score(true["micro"], found["micro"]), score(true["macro"], found["macro"])


def bench_clips(first_seed: int, count: int, pairs: Pairs) -> None:
    """`count` clips for each rate and disturbance, each with a seed of its own."""
    table: dict[tuple[str, float], list[ClipScore]] = {}
    seed = first_seed
    for name, disturbance in DISTURBANCES.items():
        for fps in RATES:
            cell = table.setdefault((name, fps), [])
            for _ in range(count):
                scene = synthetic_video.clip_scene(seed, fps, **disturbance.scene)
                cell.append(clip_score(scene, disturbance.coding, pairs))
                seed += 1
    print(f"{len(table) * count} clips, seeds {first_seed} to {seed - 1}")
    print(f"{'':20} {'apex error':>12} {'onset error':>12} {'same class':>12} {'weak':>6}")
    for name in DISTURBANCES:
        print_row(name, [s for (given, _), cell in table.items() if given == name for s in cell])
    for fps in RATES:
        print_row(
            f"{fps:g} fps", [s for (_, rate), cell in table.items() if rate == fps for s in cell]
        )
    print_row("all", [s for cell in table.values() for s in cell])


def print_row(name: str, scores: list[ClipScore]) -> None:
    values = np.array([(s.apex, s.onset, s.same_class, s.weak) for s in scores], float).mean(0)
    apex, onset, same, weak = values * 100
    print(f"{name:20} {apex:10.1f} % {onset:10.1f} % {same:10.1f} % {weak:4.0f} %", flush=True)


def bench_videos(first_seed: int, count: int, pairs: Pairs) -> None:
    """`count` synthetic minutes at 30 frames a second."""
    micro, macro, false, idle_minutes = SpottingScore(), SpottingScore(), 0, 0.0
    for seed in range(first_seed, first_seed + count):
        place = seed - first_seed
        scene = synthetic_video.video_scene(seed, EVENTS[place % len(EVENTS)])
        scene = replace(scene, noise=NOISES[place % len(NOISES)])
        of_micro, of_macro = video_scores(scene, pairs)
        micro, macro = micro + of_micro, macro + of_macro
        if not of_micro.true:
            false, idle_minutes = false + of_micro.found, idle_minutes + scene.seconds / 60
    print(f"{count} minutes of video, seeds {first_seed} to {first_seed + count - 1}")
    for name, total in (("micro", micro), ("macro", macro)):
        print(
            f"{name}: {total.true} there, {total.found} found, {len(total.right)} right: "
            f"F1 {total.f1:.3f}, precision {total.precision:.3f}, recall {total.recall:.3f}"
        )
    print(f"micro: recognition UF1 {micro.recognition:.3f}, STRS {micro.strs:.3f}")
    if idle_minutes:
        print(
            f"{false / idle_minutes:.2f} false a minute in {idle_minutes:.0f} minutes without any"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--clips", type=int, default=12, help="for each rate and disturbance")
    parser.add_argument("--videos", type=int, default=32, help="of a minute each")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    threadpool_limits(1)
    pairs = Pairs()
    if given.clips:
        bench_clips(given.first_seed, given.clips, pairs)
    if given.videos:
        bench_videos(given.first_seed, given.videos, pairs)


if __name__ == "__main__":
    main()
