"""Spotting on real videos that were labelled by eye: events a minute, and what is found.

    make bench-real-videos FOLDER=... LABELS=... [CLIPS=... FLAGS=...] [CACHE=...]

`LABELS` is a table with the columns `file`, `kind`, `frames` and `label`: of `kind` video, the
whole video is `talking`, `quiet` or `expressive`; of `kind` macro, `frames` are onset, apex and
offset of a macro-expression. `FLAGS` is a table of short clips with the columns `clip`, `class`
and `flags_seen_by_eye`: `V` is a plainly visible expression, the class `none` a neutral face.
Every micro-expression in a talking or quiet video counts as false. `CACHE` keeps the tracked faces,
so that only spotting is repeated; delete it when the face stage changes.
"""

from __future__ import annotations

import argparse
import csv
import os
import pickle
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
from off_tanet.configuration import Configuration
from off_tanet.errors import OffTanetError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.expressions import recognise, summarise
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.trackers import MultiFaceTracker
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.media.video import open_video
from off_tanet.recognition.pair_recognizer import PairRecognizer
from off_tanet.recognition.spotting.video import MultiFaceSpotter
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.recognition.stream import track
from off_tanet.types import Expression, Moment, VideoSpotting
from threadpoolctl import threadpool_limits

_CONFIGURATION = Configuration()
_LEAST_OVERLAP = 0.5

Tracked = list[tuple[TrackedFrame, Moment]]


def track_faces(path: Path, detector: FaceDetector) -> Tracked:
    stream = open_video(path.read_bytes(), MediaLimits())
    frames = track(stream, MultiFaceTracker(detector), Stopwatch(), "face")
    return [(frame, moment) for (frame,), moment in frames]


def tracked(path: Path, detector: FaceDetector, cache: Path | None) -> Tracked:
    """The tracked frames of a video, from the cache where it has them."""
    if cache is None:
        return track_faces(path, detector)
    kept = cache / (str(path.resolve()).replace("/", "+") + ".pickle")
    if not kept.exists():
        partial = kept.with_suffix(".part")
        partial.write_bytes(pickle.dumps(track_faces(path, detector)))
        os.replace(partial, kept)
    frames: Tracked = pickle.loads(kept.read_bytes())
    return frames


def spot(frames: Tracked, pairs: PairRecognizer, classifier: Classifier) -> VideoSpotting:
    """The timeline of a tracked video, as `Recognizer.video` makes it."""
    spotter = MultiFaceSpotter(_CONFIGURATION.durations, _CONFIGURATION.thresholds, 1)
    found = [each for frame, moment in frames for each in spotter.add((frame,), moment)]
    found += spotter.finish()
    expressions = [recognise(each, pairs, "one") for each in found]
    return summarise(spotter, expressions, (), classifier.card, "one")


def overlap(found: Expression, onset: int, offset: int) -> float:
    """The intersection over union of the frames of two intervals."""
    common = min(found.offset.index, offset) - max(found.onset.index, onset) + 1
    whole = max(found.offset.index, offset) - min(found.onset.index, onset) + 1
    return max(0, common) / whole


@dataclass
class Tally:
    """What was found in all videos of one kind."""

    videos: int = 0
    with_expression: int = 0
    seconds: float = 0.0
    expressions: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    judged_s: float = 0.0
    unjudged_s: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)

    def add(self, result: VideoSpotting) -> None:
        self.videos += 1
        self.with_expression += bool(result.expressions)
        self.seconds += result.seconds
        self.expressions.update(name(each) for each in result.expressions)
        self.events.update(each.kind for each in result.events)
        self.judged_s += result.judged_s
        self.unjudged_s.update(result.unjudged_s)
        self.warnings.update(result.warnings)

    def print(self, title: str) -> None:
        minutes = max(self.seconds / 60, 1e-9)
        rates = ", ".join(f"{k} {n / minutes:.2f}" for k, n in sorted(self.expressions.items()))
        print(f"{title}: {self.videos} videos, {minutes:.2f} min, {self.with_expression} with one")
        print(f"    a minute: {rates or 'nothing'}")
        print("    events a minute: " + rate_list(self.events, minutes))
        print(
            f"    judged {self.judged_s:.0f} s; not: "
            + ", ".join(f"{cause} {s:.0f} s" for cause, s in self.unjudged_s.most_common())
        )
        print("    warnings: " + ", ".join(f"{w} {n}" for w, n in self.warnings.most_common()))


def rate_list(counts: Counter[str], minutes: float) -> str:
    return ", ".join(f"{kind} {n / minutes:.1f}" for kind, n in counts.most_common())


def name(expression: Expression) -> str:
    """The kind, and whether the face speaks meanwhile."""
    speech = "speech" in expression.prediction.quality.warnings
    return expression.kind + (" in speech" if speech else "")


@dataclass(frozen=True)
class Bench:
    """Spots videos and prints each event."""

    cache: Path | None
    detector: FaceDetector = field(default_factory=lambda: FaceDetector(_CONFIGURATION.detector))
    classifier: Classifier = field(default_factory=lambda: Classifier(_CONFIGURATION.model))

    def spot(self, path: Path, title: str) -> VideoSpotting | None:
        pairs = PairRecognizer(self.classifier, _CONFIGURATION.thresholds)
        try:
            result = spot(tracked(path, self.detector, self.cache), pairs, self.classifier)
        except OffTanetError as error:
            print(f"{title}: {error}")
            return None
        for each in result.expressions:
            print(f"{title}: {line(each)}")
        return result


def line(expression: Expression) -> str:
    moments = (expression.onset, expression.apex, expression.offset)
    indices = "-".join(str(moment.index) for moment in moments)
    label = expression.prediction.label
    return f"{indices} {name(expression)}, {expression.strength_px:.2f} px, {label}"


def rows(table: Path) -> Iterator[dict[str, str]]:
    with table.open(newline="") as lines:
        yield from csv.DictReader(lines)


def bench_videos(folder: Path, labels: Path, bench: Bench) -> None:
    kinds: dict[str, str] = {}
    macros: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in rows(labels):
        if row["kind"] == "video":
            kinds[row["file"]] = row["label"]
        elif row["kind"] == "macro":
            onset, _, offset = map(int, row["frames"].split("-"))
            macros[row["file"]].append((onset, offset))
    tallies: dict[str, Tally] = defaultdict(Tally)
    right = 0
    for file, kind in sorted(kinds.items(), key=lambda item: item[1]):
        result = bench.spot(folder / file, f"{kind} {file}")
        if result is not None:
            tallies[kind].add(result)
            right += found_macros(result.expressions, macros[file], file)
    for kind, tally in tallies.items():
        tally.print(kind)
    print(f"macro-expressions found: {right} of {sum(map(len, macros.values()))}")


def found_macros(expressions: Iterable[Expression], true: list[tuple[int, int]], file: str) -> int:
    """How many true intervals have an event of either kind that overlaps enough."""
    found = list(expressions)
    right = 0
    for onset, offset in true:
        best = max((overlap(each, onset, offset) for each in found), default=0.0)
        right += best >= _LEAST_OVERLAP
        print(f"macro {file}: {onset}-{offset}, best overlap {best:.2f}")
    return right


def bench_clips(folder: Path, flags: Path, bench: Bench) -> None:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for row in rows(flags):
        result = bench.spot(folder / f"{row['clip']}.mp4", f"clip {row['clip']}")
        if result is None:
            continue
        shown = "plain expression" if "V" in row["flags_seen_by_eye"] else "other expression"
        tallies["neutral face" if row["class"] == "none" else shown].add(result)
    for title, tally in tallies.items():
        tally.print(f"clips, {title}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--clips", type=Path, help="a folder of short clips")
    parser.add_argument("--flags", type=Path, help="their table")
    parser.add_argument("--cache", type=Path, help="a folder outside the repository")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    threadpool_limits(1)
    bench = Bench(given.cache)
    bench_videos(given.folder, given.labels, bench)
    if given.clips and given.flags:
        bench_clips(given.clips, given.flags, bench)


if __name__ == "__main__":
    main()
