"""The flow of an expression on a moving head: two crops, the motion of the head taken out."""

from __future__ import annotations

from dataclasses import dataclass

from off_tanet.recognition.flow import light
from off_tanet.recognition.motion.head_motion import HeadMotion, HeadMotionEstimator, steady
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.types import Crop, Flow

_LEAST_UNDONE_PX = 0.2
_REPETITIONS = 2


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionFlow:
    """What moved between two crops of one face.

    Attributes:
        flow: TV-L1 flow from the first to the second crop without the motion of the head,
            [2, 112, 112], in pixels.
        head: The motion of the head that was taken out.
        matched: Both crops in the light of the first, the second one stabilised.
    """

    flow: Flow
    head: HeadMotion
    matched: light.Matched


def expression_flow(onset: Crop, apex: Crop, shape: HeadShape | None = None) -> ExpressionFlow:
    """Compute the flow of an expression.

    The motion of the head is fitted to the flow and subtracted. A larger one is first undone in the
    pixels of the apex, and the flow computed again: where skin has no texture, flow is smaller than
    the motion of the head. A small one is not undone, because the regularisation of TV-L1 favours
    what stands still, and an error of 0.05 px changes the strength of an expression by 10%.

    Args:
        onset: The crop at the onset [112, 112].
        apex: The crop at the apex [112, 112].
        shape: The shape of the head; by default that of the average face.

    Returns:
        The flow and the head's motion.
    """
    estimator = HeadMotionEstimator(shape) if shape else HeadMotionEstimator.average()
    undone = HeadMotion.none(estimator.shape)
    for _ in range(1 + _REPETITIONS):
        matched = light.matched(onset, steady(apex, undone) if undone.matrix.any() else apex)
        flow = matched.flow()
        remaining = estimator.fit(flow)
        if remaining.magnitude_px < _LEAST_UNDONE_PX:
            break
        undone, measured = undone + remaining, undone
    else:
        undone = measured
    return ExpressionFlow(flow - remaining.flow(), undone + remaining, matched)
