"""A one-page report of a prediction."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from off_tanet.types import REASONS, Motion, Pixels, Prediction
from off_tanet.visualization import canvas, maps
from off_tanet.visualization.chart import motion_picture

_WIDTH = 1654  # A4 at 200 dots to the inch
_MARGIN = 80
_INNER = _WIDTH - 2 * _MARGIN
_GAP = 40
_COLUMN = (_INNER - 2 * _GAP) // 3
_GREY: canvas.Colour = (105, 105, 105)
_PALE: canvas.Colour = (170, 170, 170)  # of bars that have no meaning

_CONDITIONAL = "The probabilities below would apply only if there were an expression."

NOTE = (
    "The scores state which class of facial motion the measured motion resembles. They are not a "
    "finding about what a person feels, thinks or intends, they do not detect lies, and they must "
    "not be used to make decisions about people. Inferring emotions of people at work and in "
    "education is prohibited in the European Union (Regulation (EU) 2024/1689, Article 5(1)(f))."
)


def report_picture(prediction: Prediction) -> Pixels:
    """Draw probabilities, crops, flow, attention, motion curve, quality and the limits of use."""
    parts = [_head(prediction), *_reason(prediction), _bars(prediction), *_pictures(prediction)]
    if prediction.motion is not None:
        parts.append(_curve(prediction, prediction.motion))
    parts += [_quality(prediction), _paragraph(NOTE, _GREY)]
    gap = canvas.blank(_INNER, 28)
    column = np.vstack([rows for part in parts for rows in (part, gap)])
    page = canvas.blank(_WIDTH, len(column) + 2 * _MARGIN)
    page[_MARGIN : _MARGIN + len(column), _MARGIN : _MARGIN + _INNER] = column
    return page


def _head(prediction: Prediction) -> Pixels:
    head = canvas.blank(_INNER, 96)
    title = _title(prediction)
    canvas.draw_text(head, title, (0, 44), size=48, weight=600)
    model = f"{prediction.model.name} {prediction.model.version}"
    canvas.draw_text(head, model, (_INNER - canvas.text_width(model), 40), _GREY)
    canvas.draw_text(head, f"The motion from {_span(prediction)}", (0, 88), _GREY)
    return head


def _title(prediction: Prediction) -> str:
    if prediction.label is None:
        return "No expression to name"
    return f"Closest class: {prediction.label} ({prediction.probabilities[prediction.label]:.1%})"


def _reason(prediction: Prediction) -> list[Pixels]:
    """Why there is no label, if there is none."""
    if prediction.reason is None:
        return []
    return [_paragraph(f"{REASONS[prediction.reason]} {_CONDITIONAL}")]


def _span(prediction: Prediction) -> str:
    if prediction.motion is None:
        return "one picture to the other"
    moments = prediction.onset, prediction.apex
    return " to ".join(f"frame {moment.index} ({moment.time_s:.3f} s)" for moment in moments)


def _bars(prediction: Prediction) -> Pixels:
    bars = canvas.blank(_INNER, 56 * len(prediction.probabilities))
    widest = max(canvas.text_width(name, 30) for name in prediction.probabilities)
    start, end = max(180, min(widest + 24, _INNER // 2)), _INNER - 120
    fill, ink = (canvas.BLUE, canvas.DARK_GREY) if prediction.label else (_PALE, _GREY)
    for row, (name, share) in enumerate(prediction.probabilities.items()):
        y = 56 * row
        bars[y + 12 : y + 44, start:end] = canvas.LIGHT_GREY
        bars[y + 12 : y + 44, start : start + round(share * (end - start))] = fill
        canvas.draw_text(bars, name, (0, y + 38), ink, 30)
        number = f"{share:.3f}"
        place = _INNER - canvas.text_width(number, 30), y + 38
        canvas.draw_text(bars, number, place, ink, 30)
    return bars


def _pictures(prediction: Prediction) -> list[Pixels]:
    flow, onset, apex = prediction.flow, prediction.onset_crop, prediction.apex_crop
    return [
        _row(
            ("Onset", maps.crop_picture(onset)),
            ("Apex", maps.crop_picture(apex)),
            ("Attention", maps.attention_picture(prediction.attention, apex)),
        ),
        _row(
            ("Flow, as colours", maps.flow_picture(flow)),
            ("Flow, as arrows", maps.arrows_picture(flow, onset)),
            ("Strain", maps.strain_picture(flow)),
        ),
    ]


def _row(*titled: tuple[str, Pixels]) -> Pixels:
    height = round((maps.SIDE + maps.STRIP) * _COLUMN / maps.SIDE)
    row = canvas.blank(_INNER, 52 + height)
    for place, (title, picture) in enumerate(titled):
        x = place * (_COLUMN + _GAP)
        size = _COLUMN, round(len(picture) * _COLUMN / maps.SIDE)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        row[52 : 52 + size[1], x : x + _COLUMN] = small
        canvas.draw_text(row, title, (x, 34), size=30, weight=600)
    return row


def _curve(prediction: Prediction, motion: Motion) -> Pixels:
    onset, apex = prediction.onset.index, prediction.apex.index
    return motion_picture(motion, onset, apex, motion.offset(apex), _INNER)


def _quality(prediction: Prediction) -> Pixels:
    quality = prediction.quality
    warnings = ", ".join(word.replace("_", " ") for word in quality.warnings) or "none"
    return _paragraph(
        f"Probability of an expression {prediction.expression_probability:.0%}. "
        f"Motion of the expression {quality.motion_px:.2f} px, of the head "
        f"{quality.head_motion_px:.2f} px at 112 × 112. Warnings: {warnings}."
    )


def _paragraph(text: str, colour: canvas.Colour = canvas.DARK_GREY) -> Pixels:
    rows = _wrapped(text.split())
    block = canvas.blank(_INNER, 40 * len(rows))
    for row, line in enumerate(rows):
        canvas.draw_text(block, line, (0, 40 * row + 28), colour)
    return block


def _wrapped(words: Sequence[str]) -> list[str]:
    rows = [""]
    for word in words:
        longer = f"{rows[-1]} {word}".strip()
        if canvas.text_width(longer) > _INNER:
            rows.append(word)
        else:
            rows[-1] = longer
    return rows
