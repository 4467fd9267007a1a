"""The warnings of a prediction, derived from measured values and observed conditions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from off_tanet.limits import Thresholds
from off_tanet.types import Face

OBSERVED = (
    "cut",
    "turned_head",
    "occluded",
    "blink",
    "face_lost",
    "damaged_video",
    "damaged_image",
)
"""The warnings that an earlier stage raises itself, in the order of the API."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the stages have measured and observed for one pair of frames.

    Attributes:
        motion_px: Strength of the expression, in pixels at 112 x 112.
        head_motion_px: Mean length of the head's motion, in pixels at 112 x 112.
        faces: The detected faces, the largest first; empty without detection.
        weak_apex: Whether no peak of the motion curve stands out.
        unmatched_light: Difference of light that is left after matching; 1 is what noise and
            motion leave.
        clipped_share: Share of the pixels that are too bright or too dark to match, 0..1.
        observed: Warnings of `OBSERVED` that apply.
    """

    motion_px: float
    head_motion_px: float
    faces: Sequence[Face] = ()
    weak_apex: bool = False
    unmatched_light: float = 0.0
    clipped_share: float = 0.0
    observed: Collection[str] = ()


def sort_warnings(observed: Collection[str]) -> tuple[str, ...]:
    """Return the warnings of `OBSERVED` that are in `observed`, in the order of the API."""
    return tuple(word for word in OBSERVED if word in observed)


def warnings(evidence: Evidence, thresholds: Thresholds) -> tuple[str, ...]:
    """Derive the warnings of a prediction.

    Args:
        evidence: The measurements of the pair of frames.
        thresholds: The values from which on a warning applies.

    Returns:
        The warnings that apply, in the order of the API.
    """
    motion = evidence.motion_px
    rules = {
        "no_motion": motion < thresholds.no_motion_px,
        "low_motion": thresholds.no_motion_px <= motion < thresholds.low_motion_px,
        "large_head_motion": evidence.head_motion_px > thresholds.large_head_motion_px,
        "weak_apex": evidence.weak_apex,
        "several_faces": len(evidence.faces) > 1,
        "small_face": any(
            min(face.box[2:]) < thresholds.small_face_px for face in evidence.faces[:1]
        ),
        **{word: word in evidence.observed for word in OBSERVED},
        "light_change": "cut" not in evidence.observed
        and (
            evidence.unmatched_light > thresholds.unmatched_light
            or evidence.clipped_share > thresholds.clipped_share
        ),
    }
    return tuple(word for word, applies in rules.items() if applies)
