"""Plots of confusion, reliability and attention. OpenCV draws them; it is a dependency anyway."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.types import Pixels

from off_tanet_export.metrics import BINS, Reliability

Colour = tuple[int, int, int]
"""Blue, green, red."""

Heat = NDArray[np.floating]

_INK: Colour = (51, 51, 51)
_PALE: Colour = (224, 224, 224)
_BLUE: Colour = (178, 114, 0)  # blue and vermilion of Okabe and Ito's colour-blind safe palette
_VERMILION: Colour = (0, 94, 213)
_SIDE, _LEFT, _UPPER, _EDGE = 360, 96, 48, 64  # pixels: the plot, and its margins
_HEAT, _GAP = 84, 6


def draw_confusion(confusion: dict[str, dict[str, int]]) -> Pixels:
    """Draw a confusion matrix; the colour of a cell is its share of the row.

    Args:
        confusion: True class -> predicted class -> number of clips.
    """
    picture = _blank_plot("predicted", "true class")
    cell = _SIDE // len(confusion)
    for row, true in enumerate(confusion):
        total = max(1, sum(confusion[true].values()))
        _write(picture, true, (12, _UPPER + cell * row + cell // 2))
        for column, predicted in enumerate(confusion):
            count = confusion[true][predicted]
            share = np.full((1, 1), round(255 * count / total), np.uint8)
            colour = cv2.applyColorMap(share, cv2.COLORMAP_CIVIDIS)[0, 0]
            left, top = _LEFT + cell * column, _UPPER + cell * row
            picture[top : top + cell - 2, left : left + cell - 2] = colour
            ink = (255, 255, 255) if count < 0.5 * total else _INK
            place = left + cell // 2 - 24, top + cell // 2
            _write(picture, f"{count} ({count / total:.2f})", place, ink)
    for column, predicted in enumerate(confusion):
        _write(picture, predicted, (_LEFT + cell * column + 20, _UPPER + _SIDE + 18))
    return picture


def draw_reliability(bins: Reliability) -> Pixels:
    """Draw the share of correct predictions by confidence; perfect calibration is the diagonal.

    The number of clips is below each bar.
    """
    picture = _blank_plot("confidence (below: clips)", "accuracy")
    corner = (_LEFT, _UPPER), (_LEFT + _SIDE, _UPPER + _SIDE)
    width = _SIDE / BINS
    for index, (clips, accuracy) in enumerate(zip(bins.clips, bins.accuracy, strict=True)):
        left, right = (round(_LEFT + width * (index + side)) for side in (0, 1))
        top = round(_UPPER + _SIDE * (1 - accuracy))
        if clips:
            cv2.rectangle(picture, (left + 1, top), (right - 1, corner[1][1]), _BLUE, cv2.FILLED)
            _write(picture, str(clips), (left + 3, corner[1][1] + 14), size=11)
    cv2.rectangle(picture, *corner, _PALE)
    cv2.line(picture, (_LEFT, corner[1][1]), (corner[1][0], _UPPER), _VERMILION, 2, cv2.LINE_AA)
    for value in (0.0, 0.5, 1.0):
        _write(picture, f"{value:g}", (_LEFT - 28, round(_UPPER + _SIDE * (1 - value)) + 5))
        _write(picture, f"{value:g}", (round(_LEFT + _SIDE * value) - 6, corner[1][1] + 34))
    _write(picture, f"calibration error {bins.error:.3f}", (_LEFT + 12, _UPPER + 24))
    return picture


def write_plots(folder: Path, confusion: dict[str, Any], bins: Reliability) -> None:
    """Write `confusion.png` and `reliability.png` into a folder, which is created if needed."""
    write_png(folder, "confusion", draw_confusion(confusion))
    write_png(folder, "reliability", draw_reliability(bins))


def write_png(folder: Path, name: str, picture: Pixels) -> None:
    """Write `name`.png into a folder, which is created if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(".png", picture)
    if not done:
        raise RuntimeError("OpenCV could not encode a PNG")
    (folder / f"{name}.png").write_bytes(data.tobytes())


def draw_heat_maps(rows: Mapping[str, Mapping[str, Heat]]) -> Pixels:
    """Draw a table of heat maps [S, S], each scaled from its minimum to its maximum.

    Args:
        rows: Row -> column -> heat map; all rows have the same columns.
    """
    columns = list(next(iter(rows.values())))
    size = _HEAT + _GAP
    picture = np.full((_UPPER + size * len(rows), _LEFT + size * len(columns), 3), 255, np.uint8)
    for index, column in enumerate(columns):
        _write(picture, column, (_LEFT + size * index, _UPPER - 12))
    for row, (name, heats) in enumerate(rows.items()):
        top = _UPPER + size * row
        _write(picture, name, (12, top + _HEAT // 2))
        for index, column in enumerate(columns):
            left = _LEFT + size * index
            picture[top : top + _HEAT, left : left + _HEAT] = _heat(heats[column])
    return picture


def _heat(values: Heat) -> Pixels:
    span = max(float(np.ptp(values)), 1e-12)
    levels = np.rint(255 * (values - values.min()) / span).astype(np.uint8)
    large = cv2.resize(levels, (_HEAT, _HEAT), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.applyColorMap(large, cv2.COLORMAP_CIVIDIS), np.uint8)


def _blank_plot(across: str, down: str) -> Pixels:
    """Return a white picture with the names of its axes."""
    picture = np.full((_UPPER + _SIDE + _EDGE, _LEFT + _SIDE + _EDGE, 3), 255, np.uint8)
    _write(picture, down, (12, 24))
    _write(picture, across, (_LEFT + _SIDE // 2 - 60, _UPPER + _SIDE + 54))
    return picture


def _write(
    picture: Pixels, text: str, place: tuple[int, int], colour: Colour = _INK, size: int = 13
) -> None:
    cv2.putText(picture, text, place, colour, cv2.FontFace("sans"), size, 400)
