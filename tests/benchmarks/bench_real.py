"""Real clips with a label each: what is named, and how much of that is right.

    make bench-real FOLDER=clips [OPTIONS="--sheet sheet.png --rows rows.json"]

FOLDER holds one folder for each emotion (`Anger`, `Contempt`, `Disgust`, `Fear`, `Happiness`,
`Neutral`, `Sadness`, `Surprise`), or for each class (`negative`, `positive`, `surprise`), with the
clips of it. Of neutral clips, none should be named. The sheet shows onset, apex and flow of every
clip; look at it, and keep it out of the repository.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from off_tanet.errors import OffTanetError
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import CLASSES, CROP_SIZE, Pixels, Prediction
from off_tanet.visualization.color_wheel import flow_colours
from off_tanet_export.metrics import confusion, uar, uf1
from threadpoolctl import threadpool_limits

CLASS_OF: Mapping[str, str | None] = {
    "anger": "negative",
    "contempt": "negative",
    "disgust": "negative",
    "fear": "negative",
    "sadness": "negative",
    "happiness": "positive",
    "neutral": None,
    **{label: label for label in CLASSES},
}
HEAD_PX = (0.0, 0.3, 1.0, 3.0, np.inf)
CONFIDENCES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
_COLUMNS = 5
_FULL_COLOUR_PX = 2.0


@dataclass(frozen=True)
class Row:
    """One clip: what it shows, and what was said of it."""

    clip: str
    emotion: str
    true: str | None
    label: str | None
    reason: str | None
    probabilities: dict[str, float]
    expression_probability: float
    motion_px: float
    head_motion_px: float
    rate: float
    warnings: tuple[str, ...]

    @property
    def confidence(self) -> float:
        return max(self.probabilities.values(), default=0.0)


def row_of(path: Path, prediction: Prediction | OffTanetError) -> Row:
    emotion = path.parent.name.lower()
    true = CLASS_OF[emotion]
    name = f"{path.parent.name}/{path.stem}"
    if isinstance(prediction, OffTanetError):
        return Row(name, emotion, true, None, prediction.code, {}, 0.0, 0.0, 0.0, 0.0, ())
    times_s = prediction.motion.times_s if prediction.motion else np.zeros(2)
    return Row(
        name,
        emotion,
        true,
        prediction.label,
        prediction.reason,
        prediction.probabilities,
        prediction.expression_probability,
        prediction.quality.motion_px,
        prediction.quality.head_motion_px,
        (len(times_s) - 1) / max(1e-6, float(times_s[-1] - times_s[0])),
        prediction.quality.warnings,
    )


def scores(rows: Sequence[Row]) -> str:
    """Of the clips with an expression: how many are named, and the scores of the named ones."""
    named = [row for row in rows if row.label is not None]
    if not named:
        return f"{len(rows):4} clips, none named"
    true, said = (
        np.array([CLASSES.index(name) for name in names])
        for names in ([row.true or "" for row in named], [row.label or "" for row in named])
    )
    counts = confusion(true, said)
    recalls = " ".join(
        f"{CLASSES[index]} {counts[index, index]}/{counts[index].sum()}"
        for index in range(len(CLASSES))
    )
    return (
        f"{len(rows):4} clips, {len(named) / len(rows):4.0%} named: UF1 {uf1(counts):.3f} "
        f"UAR {uar(counts):.3f} right {np.mean(true == said):.0%} ({recalls})"
    )


def print_by(name: str, rows: Iterable[Row], groups: Callable[[Row], Iterable[str]]) -> None:
    found: dict[str, list[Row]] = {}
    for row in rows:
        for group in groups(row):
            found.setdefault(group, []).append(row)
    for group in sorted(found):
        print(f"{name:12} {group:22} {scores(found[group])}")


def head_bin(row: Row) -> list[str]:
    place = int(np.searchsorted(HEAD_PX, row.head_motion_px, "right")) - 1
    return [f"{HEAD_PX[place]:g} to {HEAD_PX[place + 1]:g} px"]


def print_coverage(rows: Sequence[Row]) -> None:
    """Accuracy against coverage, by the confidence alone."""
    for least in CONFIDENCES:
        kept = [row for row in rows if row.label is not None and row.confidence >= least]
        right = np.mean([row.label == row.true for row in kept]) if kept else np.nan
        print(f"confidence   >= {least:<19} {len(kept):4} clips, right {right:.0%}")


def report(rows: Sequence[Row]) -> None:
    expressive = [row for row in rows if row.true is not None]
    neutral = [row for row in rows if row.true is None]
    print(f"{'all':35} {scores(expressive)}")
    without = [row for row in expressive if row.emotion != "contempt"]
    print(f"{'without contempt':35} {scores(without)}")
    unnamed = [row for row in neutral if row.label is None]
    print(f"{'neutral, left without a name':35} {len(unnamed)} of {len(neutral)}")
    print_coverage(without)
    print_by("emotion", expressive, lambda row: [row.emotion])
    print_by("head motion", without, head_bin)
    print_by("frame rate", without, lambda row: [f"{round(row.rate, -1):03.0f} a second"])
    print_by("warning", without, lambda row: row.warnings or ("none",))
    for group, clips in (("expressive", without), ("neutral", neutral)):
        reasons = Counter(row.reason for row in clips if row.label is None)
        print(f"{'not named':12} {group:22} {dict(reasons.most_common())}")


def tile(row: Row, prediction: Prediction) -> Pixels:
    """Onset, apex and flow of a clip, with its names above."""
    crops = [cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR) for crop in _crops(prediction)]
    flow = cv2.resize(flow_colours(prediction.flow / _FULL_COLOUR_PX), (CROP_SIZE, CROP_SIZE))
    picture = cv2.copyMakeBorder(np.hstack([*crops, flow]), 34, 4, 0, 8, cv2.BORDER_CONSTANT)
    right = row.label == row.true
    said = f"{row.label or row.reason} {row.confidence:.2f} x {row.expression_probability:.2f}"
    lines = (f"{row.clip} {said}", f"m {row.motion_px:.2f} h {row.head_motion_px:.1f}")
    for place, line in enumerate(lines):
        colour = (120, 220, 120) if right else (120, 120, 255)
        where = (2, 13 + 15 * place)
        cv2.putText(picture, line, where, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)


def _crops(prediction: Prediction) -> tuple[Pixels, Pixels]:
    return prediction.onset_crop, prediction.apex_crop


def sheet(tiles: Sequence[Pixels]) -> Pixels:
    blank = np.zeros_like(tiles[0])
    filled = [*tiles, *[blank] * (-len(tiles) % _COLUMNS)]
    lines = [np.hstack(filled[at : at + _COLUMNS]) for at in range(0, len(filled), _COLUMNS)]
    return np.vstack(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sheet", type=Path, help="write a picture of all clips")
    parser.add_argument("--rows", type=Path, help="write what was said of each clip as JSON")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    threadpool_limits(1)
    recognizer = Recognizer()
    rows: list[Row] = []
    tiles: list[Pixels] = []
    for path in sorted(arguments.folder.glob("*/*.*")):
        prediction: Prediction | OffTanetError
        try:
            prediction = recognizer.clip(path.read_bytes())
        except OffTanetError as error:
            prediction = error
        rows.append(row_of(path, prediction))
        if isinstance(prediction, Prediction):
            tiles.append(tile(rows[-1], prediction))
    report(rows)
    if arguments.rows:
        arguments.rows.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    if arguments.sheet and tiles:
        cv2.imwrite(str(arguments.sheet), sheet(tiles))


if __name__ == "__main__":
    main()
