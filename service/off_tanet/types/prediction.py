"""The prediction for one pair of onset and apex."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pkgutil import resolve_name

from off_tanet.reasons import Reason
from off_tanet.types.model import ModelName
from off_tanet.types.motion import Motion, Signals
from off_tanet.types.pictures import Attention, Crop, Face, Flow, Moment

Progress = Callable[[str, int, int], None]
"""Called with the name of a stage, the number of steps done and their total."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How far a prediction can be trusted.

    Attributes:
        motion_px: Strength of the expression's motion, in pixels at 112 x 112.
        head_motion_px: Mean motion of the head, in pixels at 112 x 112.
        warnings: Names of warnings, such as `low_motion`.
    """

    motion_px: float
    head_motion_px: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another pair of onset and apex of a clip, less likely than that of the prediction.

    Attributes:
        onset: Position of the onset frame.
        apex: Position of the apex frame.
        label: As in `Prediction`.
        reason: As in `Prediction`.
        probabilities: As in `Prediction`.
        expression_probability: As in `Prediction`.
    """

    onset: Moment
    apex: Moment
    label: str | None
    reason: Reason | None
    probabilities: dict[str, float]
    expression_probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The prediction for one pair of onset and apex.

    Attributes:
        model: The model that made it.
        label: The most probable class; None if there is no expression that can be named.
        reason: Why there is no label; None if there is one.
        probabilities: The probability of each class, given that there is an expression: finite,
            and their sum is 1 within 1e-6. They are there without a label, too.
        expression_probability: The probability that there is an expression at all, 0..1.
        onset: Position of the onset frame.
        apex: Position of the apex frame.
        classified: Position of the frame whose motion since the onset was classified: the apex, or
            in a clip the first frame on which a strong expression has moved by 1.5 px. The flow and
            `apex_crop` are those of this frame.
        face: The face on the onset frame; None if the frames were already face crops.
        quality: How far the prediction can be trusted.
        flow: Optical flow from onset to apex, [2, 112, 112], in pixels.
        attention: Attention map of the network, [14, 14].
        onset_crop: Face crop of the onset frame.
        apex_crop: Face crop of the apex frame.
        motion: Motion curve of a clip; None for two pictures.
        signals: Measurements of the face on every frame of a clip, or on the two pictures; None if
            the frames were already face crops, and in a video, which has them for all its frames.
        timings_ms: Milliseconds per stage, and their `total`.
        alternatives: Other candidates of a clip, the likeliest first.
        faces: With `faces="all"`, the predictions for all faces, largest first, with common times.
    """

    model: ModelName
    label: str | None
    reason: Reason | None
    probabilities: dict[str, float]
    expression_probability: float
    onset: Moment
    apex: Moment
    classified: Moment
    face: Face | None
    quality: Quality
    flow: Flow
    attention: Attention
    onset_crop: Crop
    apex_crop: Crop
    motion: Motion | None = None
    signals: Signals | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)
    alternatives: tuple[Alternative, ...] = ()
    faces: tuple[Prediction, ...] = ()

    @property
    def most_likely(self) -> str:
        """The class with the highest probability, also if it is not the label."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    def _repr_png_(self) -> bytes:
        """Return the one-page report, which notebooks display."""
        # By name: this module must not import the visualization, so that a client that draws
        # nothing does not load OpenCV.
        draw: Callable[[Prediction], bytes] = resolve_name("off_tanet.visualization:report_png")
        return draw(self)
