"""How far an answer can be trusted: the warnings of the contract, from measured numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from off_tanet.limits import Thresholds
from off_tanet.types import Face

SEEN = ("cut", "turned_head", "occluded", "blink", "face_lost", "damaged_video", "damaged_image")
"""The warnings that are plain facts: no number behind them is told."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rooms on the way saw. `faces` is largest first, empty where none was looked for.

    `seen` are words of the contract that apply as they are.
    """

    motion_px: float
    head_motion_px: float
    faces: Sequence[Face] = ()
    weak_apex: bool = False
    unmatched_light: float = 0.0
    clipped_share: float = 0.0
    seen: Collection[str] = ()


def told(seen: Collection[str]) -> tuple[str, ...]:
    """The words of `SEEN` among those that were seen, in the contract's order."""
    return tuple(word for word in SEEN if word in seen)


def warnings(evidence: Evidence, thresholds: Thresholds) -> tuple[str, ...]:
    """The contract's warning words that apply, in the contract's order."""
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
        **{word: word in evidence.seen for word in SEEN},
        "light_change": "cut" not in evidence.seen
        and (
            evidence.unmatched_light > thresholds.unmatched_light
            or evidence.clipped_share > thresholds.clipped_share
        ),
    }
    return tuple(word for word, applies in rules.items() if applies)
