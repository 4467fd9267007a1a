"""Examples of answers for the OpenAPI document."""

from __future__ import annotations

from typing import Any

PREDICTION: dict[str, Any] = {
    "id": "01KAQ4T6E0R5JPZ3M7V8XW2YBC",
    "model": {"name": "off-tanet", "version": "1.0.0"},
    "label": "positive",
    "reason": None,
    "probabilities": {"negative": 0.07, "positive": 0.88, "surprise": 0.05},
    "expression_probability": 0.98,
    "onset": {"index": 0, "time_s": 0.0},
    "apex": {"index": 14, "time_s": 0.07},
    "classified": {"index": 14, "time_s": 0.07},
    "face": {
        "box": [112.0, 40.0, 260.0, 300.0],
        "score": 0.99,
        "landmarks": {
            "left_eye": [191.2, 152.4],
            "right_eye": [293.8, 151.9],
            "nose": [242.1, 214.6],
            "mouth_left": [203.5, 272.0],
            "mouth_right": [281.3, 271.4],
        },
    },
    "quality": {"motion_px": 0.41, "head_motion_px": 0.12, "warnings": []},
    "timings_ms": {"decode": 2.1, "face": 6.0, "flow": 6.2, "inference": 1.0, "total": 15.9},
}
UNNAMED: dict[str, Any] = PREDICTION | {
    "id": "01KAQ4T6E0R5JPZ3M7V8XW2YBE",
    "label": None,
    "reason": "no_motion",
    "probabilities": {"negative": 0.52, "positive": 0.24, "surprise": 0.24},
    "expression_probability": 0.14,
    "quality": {"motion_px": 0.02, "head_motion_px": 0.03, "warnings": ["no_motion"]},
}
"""A prediction without a label."""

EXPRESSION: dict[str, Any] = {
    "kind": "micro",
    **PREDICTION,
    "onset": {"index": 371, "time_s": 12.366667},
    "apex": {"index": 376, "time_s": 12.533333},
    "classified": {"index": 376, "time_s": 12.533333},
    "offset": {"index": 382, "time_s": 12.733333},
    "strength_px": 0.45,
    "confidence": 0.71,
}
SPOTTING: dict[str, Any] = {
    "id": "01KAQ4T6E0R5JPZ3M7V8XW2YBD",
    "model": PREDICTION["model"],
    "expressions": [
        EXPRESSION,
        {
            **EXPRESSION,
            "kind": "macro",
            "onset": {"index": 610, "time_s": 20.333333},
            "apex": {"index": 628, "time_s": 20.933333},
            "classified": {"index": 613, "time_s": 20.433333},
            "offset": {"index": 655, "time_s": 21.833333},
            "strength_px": 4.32,
            "confidence": 0.83,
        },
    ],
    "events": [
        {
            "kind": "blink",
            "start": {"index": 212, "time_s": 7.066667},
            "end": {"index": 216, "time_s": 7.2},
            "strength": 0.71,
        },
    ],
    "video": {
        "frames": 1800,
        "frames_with_face": 1800,
        "seconds": 59.966667,
        "judged_s": 56.3,
        "unjudged_s": {"turned_head": 3.7},
        "time_uncertainty_s": 0.0333,
    },
    "warnings": [],
    "timings_ms": {"decode": 830.1, "spotting": 7410.5, "total": 8290.7},
}

EXAMPLES: dict[str, Any] = {
    "named": {"summary": "A class is named", "value": PREDICTION},
    "unnamed": {"summary": "No class is named", "value": UNNAMED},
    "spotting": {"summary": "A micro- and a macro-expression", "value": SPOTTING},
}
"""Examples with members that are null, which the framework would leave out of a response's."""
