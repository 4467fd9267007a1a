"""Values that pass between the stages. All are immutable and state their shapes and units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A colour picture, [H, W, 3], in the order blue, green, red, as in OpenCV."""

Crop = NDArray[np.uint8]
"""An aligned grey face crop, [112, 112]: eye centres near (.27, .28) and (.73, .28)."""

Flow = NDArray[np.float32]
"""Optical flow from onset to apex, [2, H, W]: u to the right, v downwards, in pixels."""

Attention = NDArray[np.float32]
"""Attention map of the network over the crop, [14, 14], each value in 0..1."""

Similarity = NDArray[np.float64]
"""A 2 x 3 similarity transform from image pixels to crop pixels."""

CROP_SIZE = 112
"""Width and height of a Crop in pixels."""

CLASSES = ("negative", "positive", "surprise")
"""Class labels in the order of the model's outputs."""

_OFFSET_SHARE = 0.25  # of the strength at the apex

Progress = Callable[[str, int, int], None]
"""Called with the name of a stage, the number of steps done and their total."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture, with its position in the clip.

    Attributes:
        pixels: The picture.
        index: Index of the frame, from 0.
        time_s: Seconds from the start of the clip.
    """

    pixels: Pixels
    index: int = 0
    time_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five points (x, y) in image pixels. Left and right are those of the image."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face.

    Attributes:
        box: Bounding box (x, y, width, height) in image pixels.
        score: Score of the detector, 0..1.
        landmarks: Points of the face in image pixels.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: Landmarks

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.box[2] * self.box[3]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The motion curve of a clip.

    Attributes:
        strength_px: Strength of the expression in each frame, [T] float32, in pixels at 112 x 112
            without head motion. It is measured against the onset if that was given, else against
            the first frame that was examined.
        times_s: Seconds from the start of the clip, [T] float32.
        scene_end: Index of the first frame of another scene, from which on nothing was measured;
            None if there is none.
    """

    strength_px: NDArray[np.float32]
    times_s: NDArray[np.float32]
    scene_end: int | None = None

    def offset(self, apex: int) -> int | None:
        """Find the frame after the apex at which most of the motion has disappeared.

        Args:
            apex: Index of the apex frame.

        Returns:
            The index of the first frame, in the same scene, whose strength is less than a quarter
            of that at the apex; None if there is no such frame.
        """
        following = self.strength_px[apex : self.scene_end]
        weak = np.flatnonzero(following < _OFFSET_SHARE * self.strength_px[apex])
        return apex + int(weak[0]) if weak.size else None


@dataclass(frozen=True, slots=True)
class Moment:
    """Position of a frame in its clip.

    Attributes:
        index: Index of the frame, from 0.
        time_s: Seconds from the start of the clip.
    """

    index: int
    time_s: float


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
class ModelName:
    """Name and version of the model that made a prediction."""

    name: str
    version: str


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
    timings_ms: dict[str, float] = field(default_factory=dict)
    faces: tuple[Prediction, ...] = ()

    def _repr_png_(self) -> bytes:
        """Return the one-page report, which notebooks display."""
        # By name: this module must not import the visualization, so that a client that draws
        # nothing does not load OpenCV.
        draw: Callable[[Prediction], bytes] = resolve_name("off_tanet.visualization:report_png")
        return draw(self)


ExpressionKind = Literal["micro", "macro"]
"""Micro-expressions last up to half a second by default, macro-expressions longer."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One expression of a video.

    Attributes:
        kind: Whether it is a micro- or a macro-expression.
        onset: Position of the first frame of its motion.
        apex: Position of the frame with the strongest motion.
        offset: Position of the frame at which the motion has disappeared.
        strength_px: Strength of its motion, in pixels at 112 x 112.
        confidence: 0.5..1; the higher, the more its motion stands out from all other motion.
        prediction: The prediction for its onset and apex; None for `macro`, which the model does
            not cover.
        face_index: With `faces="all"`, the number of the face, from 0; else None.
    """

    kind: ExpressionKind
    onset: Moment
    apex: Moment
    offset: Moment
    strength_px: float
    confidence: float
    prediction: Prediction | None = None
    face_index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VideoSpotting:
    """All expressions of a long video.

    Attributes:
        model: The model that made the predictions.
        expressions: The expressions in the order of their offsets.
        frames: Number of frames of the video.
        frames_with_face: Number of frames in which a face was tracked.
        seconds: Duration of the video.
        warnings: Names of warnings about the whole video.
        timings_ms: Milliseconds per stage, and their `total`.
    """

    model: ModelName
    expressions: tuple[Expression, ...]
    frames: int
    frames_with_face: int
    seconds: float
    warnings: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)


ExpressionCallback = Callable[[Expression], None]
"""Called with each expression as soon as it is certain."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The metadata of a model file.

    Attributes:
        name: Name of the model.
        version: Version of the model.
        classes: Class labels in the order of the outputs.
        input: Description of the input tensor.
        parameters: Number of parameters of the network.
        licence: Licence of the weights.
        training_data: Description of the training data.
        scores: Measured scores, as plain JSON values.
        preprocessing: How the graph computes the network's input from the flow: kind of strain, map
            size, scaling, mirroring and temperature.
        training: Configuration of the training; empty if the file has none.
        limits: What the model cannot do, in sentences; empty if the file has none.
        responsible_use: What the model must not be used for, in sentences; empty if the file has
            none.
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
    """The output of the network for one flow field.

    Attributes:
        probabilities: Finite values [3] in the order of the classes; their sum is 1.
        attention: Attention map, [14, 14].
    """

    probabilities: NDArray[np.float64]
    attention: Attention
