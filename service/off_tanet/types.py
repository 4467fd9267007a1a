"""What passes from room to room. Everything here is immutable and states its shape and units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A colour picture, [H, W, 3], blue-green-red as OpenCV has it."""

Crop = NDArray[np.uint8]
"""A canonical grey face crop, [112, 112]: eye centres near (.27, .28) and (.73, .28)."""

Flow = NDArray[np.float32]
"""Optical flow onset -> apex, [2, H, W]: u to the right, v downwards, in pixels."""

Attention = NDArray[np.float32]
"""Where the network looked, [14, 14] over the crop, each value in 0..1."""

Similarity = NDArray[np.float64]
"""A 2 x 3 similarity transform from image pixels to crop pixels."""

CROP_SIZE = 112
CLASSES = ("negative", "positive", "surprise")

_GONE = 0.25  # of the apex's motion

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, the steps done and the steps in all."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture and its place in the clip it came from."""

    pixels: Pixels
    index: int = 0
    time_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five points (x, y) in image pixels. Left and right are the image's, not the subject's."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Face:
    """A found face: box (x, y, width, height) in image pixels, detector score in 0..1."""

    box: tuple[float, float, float, float]
    score: float
    landmarks: Landmarks

    @property
    def area(self) -> float:
        return self.box[2] * self.box[3]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The motion curve of a clip: expression strength of each frame against the first one that was
    looked at, which is the onset where that was given.

    `strength_px` [T] float32, pixels at 112 x 112 after head motion is taken out;
    `times_s` [T] float32, seconds from the clip's start. From the frame `scene_end` on nothing was
    measured, as another scene begins there.
    """

    strength_px: NDArray[np.float32]
    times_s: NDArray[np.float32]
    scene_end: int | None = None

    def offset(self, apex: int) -> int | None:
        """The frame behind the apex at which most of the motion has gone; None where it stays.

        That is where the curve first falls below a quarter of its height at the apex, in the
        same scene.
        """
        following = self.strength_px[apex : self.scene_end]
        gone = np.flatnonzero(following < _GONE * self.strength_px[apex])
        return apex + int(gone[0]) if gone.size else None


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame's place in its clip."""

    index: int
    time_s: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How far an answer can be trusted; lengths in pixels at 112 x 112."""

    motion_px: float
    head_motion_px: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelName:
    """Which model answered."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one onset-apex pair.

    `probabilities` maps each class to a finite value; they sum to 1 within 1e-6. `flow`,
    `attention`, `apex_crop` and `motion` are what `drawing` turns into pictures.
    `timings_ms` maps a stage to milliseconds.
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
    timings_ms: dict[str, float] = field(default_factory=dict)

    def _repr_png_(self) -> bytes:
        """The one-page report, which notebooks show for a value that stands alone."""
        # Named, not imported: values know nothing of how they are drawn, and a client that draws
        # none loads no OpenCV.
        draw: Callable[[Prediction], bytes] = resolve_name("off_tanet.visualization:report_png")
        return draw(self)


ExpressionKind = Literal["micro", "macro"]


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One expression of a video. `prediction` is None for `macro`: the model knows none of them.

    `confidence` in 0.5..1 grows with how far its motion, `strength_px` at 112 x 112, stands out of
    all else that moves.
    """

    kind: ExpressionKind
    onset: Moment
    apex: Moment
    offset: Moment
    strength_px: float
    confidence: float
    prediction: Prediction | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VideoSpotting:
    """The answer for a long video: every expression, in the order of their offsets.

    `frames` and `seconds` are the video's, `frames_with_face` those on which a face was followed;
    `warnings` are words of the contract for the whole of it.
    """

    model: ModelName
    expressions: tuple[Expression, ...]
    frames: int
    frames_with_face: int
    seconds: float
    warnings: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)


ExpressionCallback = Callable[[Expression], None]
"""Called with each expression as soon as it is sure."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the model file says of itself.

    `scores` are the measured ones, as plain JSON values; `preprocessing` is the recipe by which
    the graph makes the network's map: kind of strain, map size, scaling, mirroring, temperature.
    `training` is the configuration that it was trained with. `limits` and `responsible_use` are
    sentences for people; they and `training` are empty where the file is silent.
    """

    name: str
    version: str
    classes: tuple[str, ...]
    input: str
    parameters: int
    licence: str
    training_data: str
    scores: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    training: Mapping[str, Any]
    limits: str
    responsible_use: str


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """`probabilities` [3] in the order of the classes, finite, of sum 1; `attention` [14, 14]."""

    probabilities: NDArray[np.float64]
    attention: Attention


FaceMode = Literal["auto", "none"]
"""`auto` finds the face; `none` takes the frames for tight face crops."""
