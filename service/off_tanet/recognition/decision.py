"""The decision whether a prediction names a class, and if not, why."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from off_tanet.limits import Thresholds
from off_tanet.recognition.quality import Evidence, least_motion_px
from off_tanet.types import Reason


def decide(
    evidence: Evidence,
    warnings: Collection[str],
    probabilities: Mapping[str, float],
    expression_probability: float,
    thresholds: Thresholds,
) -> tuple[str | None, Reason | None]:
    """Decide on the label of a prediction.

    The first reason that applies is given, in this order: what makes a comparison meaningless
    (`different_scenes`, `occluded`), what moved instead of an expression (`blink_only`,
    `head_motion`, `no_motion`, `speech`), then doubt about an expression (`too_long`, `unsure`).

    Args:
        evidence: The measurements of the pair of frames.
        warnings: The warnings of `quality.warnings` for it.
        probabilities: The probability of each class, given that there is an expression.
        expression_probability: The probability that there is an expression.
        thresholds: The values from which on a reason applies.

    Returns:
        The most probable class and None; or None and the reason.
    """
    label = max(probabilities, key=probabilities.__getitem__)
    no_motion = "no_motion" in warnings
    moved_head = evidence.head_motion_px >= thresholds.still_head_px
    rules: dict[Reason, bool] = {
        "different_scenes": evidence.different_scenes,
        "occluded": "occluded" in warnings,
        "blink_only": only_lids_moved(evidence, thresholds),
        "head_motion": (no_motion and moved_head)
        or evidence.turn_deg > thresholds.largest_turn_deg,
        "no_motion": no_motion,
        "speech": "speech" in warnings,
        "too_long": evidence.seconds > thresholds.longest_rise_s,
        "unsure": probabilities[label] * expression_probability < thresholds.unsure,
    }
    reason = next((reason for reason, applies in rules.items() if applies), None)
    return (label, None) if reason is None else (None, reason)


def only_lids_moved(evidence: Evidence, thresholds: Thresholds) -> bool:
    """Return whether the lids moved as in a blink, and the rest by no more than they pull at it.

    Neither the warning `blink` nor the direction is asked for: eyes that open look like surprise.
    """
    pulled_px = thresholds.blink_share * evidence.lids_px
    least_px = least_motion_px(evidence.head_motion_px, thresholds) + pulled_px
    return evidence.lids_px >= thresholds.blink_px and evidence.beyond_lids_px < least_px
