"""The reasons for which a prediction names no class, and their words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Reason = Literal[
    "different_scenes",
    "occluded",
    "blink_only",
    "head_motion",
    "no_motion",
    "speech",
    "too_long",
    "unsure",
]
"""Why a prediction names no class."""

REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        "different_scenes": "The two frames show different scenes or people.",
        "occluded": "Something covers a part of the face.",
        "blink_only": "Only the eyelids move.",
        "head_motion": "The head moves, but the face hardly does.",
        "no_motion": "The face hardly moves.",
        "speech": "The mouth moves as in speech.",
        "too_long": "The motion takes longer than an expression.",
        "unsure": "No class is likely enough.",
    }
)
"""Each reason in words, in the order of precedence."""
