"""The probability that there is an expression at all between two frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import exp, log

from off_tanet.limits import Thresholds
from off_tanet.recognition.quality import Evidence, least_motion_px

_LEAST_PX = 1e-6  # identical frames have no motion, and zero no logarithm
_MOST_RATIO = 4.5  # a stronger motion says no more: people who talk or nod move, too
_LEAST_DOUBT = 1e-4
_FITTED_CLASSES = 3  # of the model for which the coefficients were fitted


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Coefficients of the logistic function of `expression_probability`.

    Attributes:
        constant: Logits of a motion at the limit, with two equally probable classes.
        motion: Logits for a factor of e in the motion.
        class_probability: Logits for a logit of the most probable class.
    """

    constant: float
    motion: float
    class_probability: float


# Printed by `python -m tests.benchmarks.fit_expressiveness` for 140 clips of people with an
# expression before their own cameras and 15 without one, both with the same weight.
COEFFICIENTS = Coefficients(constant=-1.98, motion=1.49, class_probability=0.85)


def features(
    motion_px: float, least_px: float, probabilities: Collection[float]
) -> tuple[float, float]:
    """Return what the probability of an expression depends on.

    Args:
        motion_px: Strength of the expression, in pixels at 112 x 112.
        least_px: The limit of `no_motion`: what noise and the motion of the head leave, in pixels.
        probabilities: The probability of each class, given that there is an expression.

    Returns:
        The logarithm of the motion as a multiple of the limit, which ends at 4.5; and the logit of
        the most probable class, since what is no expression resembles no class. Among another
        number of classes, it is the logit that is as far from that of chance as among three.
    """
    ratio = min(max(motion_px, _LEAST_PX) / least_px, _MOST_RATIO)
    highest = min(max(probabilities), 1 - _LEAST_DOUBT)
    chance = log((len(probabilities) - 1) / (_FITTED_CLASSES - 1))
    return log(ratio), log(highest / (1 - highest)) + chance


def expression_probability(
    evidence: Evidence,
    probabilities: Mapping[str, float],
    thresholds: Thresholds,
    coefficients: Coefficients = COEFFICIENTS,
) -> float:
    """Estimate the probability that there is an expression, where both are equally frequent.

    Args:
        evidence: The measurements of the pair of frames.
        probabilities: The probability of each class, given that there is an expression.
        thresholds: The limit of `no_motion`.
        coefficients: The coefficients of the logistic function.

    Returns:
        The probability, 0..1; 0 between different scenes, which have no motion.
    """
    if evidence.different_scenes:
        return 0.0
    least_px = least_motion_px(evidence.head_motion_px, thresholds)
    motion, class_probability = features(evidence.motion_px, least_px, probabilities.values())
    logit = (
        coefficients.constant
        + coefficients.motion * motion
        + coefficients.class_probability * class_probability
    )
    return 1 / (1 + exp(-logit))
