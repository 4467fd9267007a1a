"""The warnings of a prediction, derived from measured values and observed conditions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from off_tanet.limits import Thresholds
from off_tanet.types import Face, Signals

Floats = NDArray[np.floating]

OBSERVED = (
    "cut",
    "turned_head",
    "occluded",
    "blink",
    "face_lost",
    "damaged_video",
    "damaged_image",
    "speech",
    "low_frame_rate",
)
"""The warnings that an earlier stage raises itself, in the order of the API."""

_LIGHT = ("dark", "backlit")
LASTING_SHARE = 0.5
"""The share of the frames with a face from which on a warning counts for a whole video."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the stages have measured and observed for one pair of frames.

    Attributes:
        motion_px: Strength of the expression, in pixels at 112 x 112.
        head_motion_px: Mean length of the head's motion, in pixels at 112 x 112.
        lids_px: Strength of the motion of the lids, in pixels at 112 x 112.
        beyond_lids_px: Strength of the expression without the lids, in pixels at 112 x 112.
        seconds: Time from onset to apex; 0 for two pictures.
        different_scenes: Whether the frames show different scenes or people.
        turn_deg: By how much the head turned or nodded, in degrees; 0 if not known.
        faces: The detected faces, the largest first; empty without detection.
        weak_apex: Whether no peak of the motion curve stands out.
        unmatched_light: Difference of light that is left after matching; 1 is what noise and
            motion leave.
        clipped_share: Share of the pixels that are too bright or too dark to match, 0..1.
        brightness: Mean of the darker crop, in grey levels.
        surroundings: Brightness of what is around the face on the onset; NaN where not known.
        observed: Warnings of `OBSERVED` that apply.
    """

    motion_px: float
    head_motion_px: float
    lids_px: float = 0.0
    beyond_lids_px: float = 0.0
    seconds: float = 0.0
    different_scenes: bool = False
    turn_deg: float = 0.0
    faces: Sequence[Face] = ()
    weak_apex: bool = False
    unmatched_light: float = 0.0
    clipped_share: float = 0.0
    brightness: float = np.nan
    surroundings: float = np.nan
    observed: Collection[str] = ()


def sort_warnings(observed: Collection[str]) -> tuple[str, ...]:
    """Return the warnings about a whole video that are in `observed`, in the order of the API."""
    return tuple(word for word in (*OBSERVED, *_LIGHT) if word in observed)


def is_low_frame_rate(frames: int, seconds: float, thresholds: Thresholds) -> bool:
    """Return whether so many frames from the first to the last moment are too few.

    Rates are rounded, because some files store times in milliseconds.
    """
    return seconds > 0 and round((frames - 1) / seconds, 1) < thresholds.low_frame_rate


def lasting_light(signals: Signals, thresholds: Thresholds) -> set[str]:
    """Return which of `dark` and `backlit` apply to most frames with a face."""
    words = _light(signals.brightness, signals.surroundings, thresholds)
    least = LASTING_SHARE * np.isfinite(signals.brightness).sum()
    return {word for word, frames in words.items() if np.sum(frames) >= max(1.0, least)}


def _light(
    brightness: Floats, surroundings: Floats, thresholds: Thresholds
) -> dict[str, NDArray[np.bool_]]:
    """Whether each face is dark, and whether it is backlit."""
    against = surroundings > thresholds.backlit_ratio * brightness
    return {
        "dark": brightness < thresholds.dark_brightness,
        "backlit": (brightness < thresholds.backlit_brightness) & against,
    }


def least_motion_px(head_motion_px: float, thresholds: Thresholds) -> float:
    """Return the strength below which a face has not moved, for a head that moves.

    Args:
        head_motion_px: Mean length of the head's motion, in pixels at 112 x 112.
        thresholds: The limit for a still head, and the share that is added to it.

    Returns:
        The limit, in pixels at 112 x 112.
    """
    return thresholds.no_motion_px + thresholds.head_motion_share * head_motion_px


def warnings(evidence: Evidence, thresholds: Thresholds) -> tuple[str, ...]:
    """Derive the warnings of a prediction.

    Args:
        evidence: The measurements of the pair of frames.
        thresholds: The values from which on a warning applies.

    Returns:
        The warnings that apply, in the order of the API.
    """
    motion, least = evidence.motion_px, least_motion_px(evidence.head_motion_px, thresholds)
    rules = {
        "no_motion": motion < least,
        "low_motion": least <= motion < thresholds.low_motion_px,
        "large_head_motion": evidence.head_motion_px > thresholds.large_head_motion_px,
        "weak_apex": evidence.weak_apex,
        "several_faces": len(evidence.faces) > 1,
        "small_face": any(
            min(face.box[2:]) < thresholds.small_face_px for face in evidence.faces[:1]
        ),
        **{word: word in evidence.observed for word in OBSERVED},
        "light_change": "cut" not in evidence.observed and _changes_light(evidence, thresholds),
        **_light(np.array(evidence.brightness), np.array(evidence.surroundings), thresholds),
    }
    return tuple(word for word, applies in rules.items() if applies)


def _changes_light(evidence: Evidence, thresholds: Thresholds) -> bool:
    """Whether the light changed by more than could be matched.

    A strong expression shades the skin around it, and a head that moves far is lit anew.
    """
    shaded = thresholds.shading_share * evidence.motion_px
    unmatched = evidence.unmatched_light > thresholds.unmatched_light + shaded
    moved = evidence.head_motion_px > thresholds.large_head_motion_px
    return (unmatched and not moved) or evidence.clipped_share > thresholds.clipped_share
