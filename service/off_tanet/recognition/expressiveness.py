"""The probability that there is an expression at all between two frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import numpy as np

from off_tanet.recognition.quality import Evidence

_LEAST_PX = 1e-6  # identical frames have no motion, and zero no logarithm


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Coefficients of the logistic function of `expression_probability`.

    Attributes:
        noise_px: Motion that the noise of a camera alone gives, in pixels at 112 x 112.
        head_share: Motion that is left of the head's, as a share of it.
        slope: Logits for a factor of e in the motion.
    """

    noise_px: float
    head_share: float
    slope: float


# Noise and share are the limits of the warning `no_motion`, where noise and expression are equally
# likely; the slope is chosen: twice the limit gives 0.8, four times 0.94.
COEFFICIENTS = Coefficients(noise_px=0.05, head_share=0.08, slope=2.0)


def expression_probability(
    evidence: Evidence,
    probabilities: Mapping[str, float],  # noqa: ARG001 # a fit may use them
    coefficients: Coefficients = COEFFICIENTS,
) -> float:
    """Estimate the probability that there is an expression.

    A logistic function of the logarithm of the motion, relative to what noise and the head's motion
    leave.

    Args:
        evidence: The measurements of the pair of frames.
        probabilities: The probability of each class, given that there is an expression.
        coefficients: The coefficients of the function.

    Returns:
        The probability, 0..1; 0 between different scenes, which have no motion.
    """
    if evidence.different_scenes:
        return 0.0
    floor_px = coefficients.noise_px + coefficients.head_share * evidence.head_motion_px
    logit = coefficients.slope * log(max(evidence.motion_px, _LEAST_PX) / floor_px)
    return float(1 / (1 + np.exp(-logit)))
