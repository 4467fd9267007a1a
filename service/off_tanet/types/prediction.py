"""The prediction for one pair of onset and apex."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pkgutil import resolve_name

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


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The prediction for one pair of onset and apex.

    Attributes:
        model: The model that made it.
        label: The most probable class.
        probabilities: A finite value for each class; their sum is 1 within 1e-6.
        onset: Position of the onset frame.
        apex: Position of the apex frame.
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
        faces: With `faces="all"`, the predictions for all faces, largest first, with common times.
    """

    model: ModelName
    label: str
    probabilities: dict[str, float]
    onset: Moment
    apex: Moment
    face: Face | None
    quality: Quality
    flow: Flow
    attention: Attention
    onset_crop: Crop
    apex_crop: Crop
    motion: Motion | None = None
    signals: Signals | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)
    faces: tuple[Prediction, ...] = ()

    def _repr_png_(self) -> bytes:
        """Return the one-page report, which notebooks display."""
        # By name: this module must not import the visualization, so that a client that draws
        # nothing does not load OpenCV.
        draw: Callable[[Prediction], bytes] = resolve_name("off_tanet.visualization:report_png")
        return draw(self)
