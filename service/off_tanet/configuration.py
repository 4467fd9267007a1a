"""Configuration of a Recognizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from off_tanet.limits import Durations, MediaLimits, Thresholds

ASSETS = Path(__file__).parent / "assets"
SAMPLES = ASSETS / "samples"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Configuration of a Recognizer: plain values, which can be sent to a worker process.

    Attributes:
        model: The ONNX model file.
        detector: Folder of the face detector's files.
        media: Limits on the size of uploads.
        thresholds: Limits at which warnings begin.
        durations: Durations that separate micro- from macro-expressions.
        batch: Maximum number of flow fields per request.
        faces: Maximum number of faces that are analysed with `faces="all"`.
        landmark_rate: Frames a second, at most, on which the landmarks of a face are placed, which
            takes half of the time of a frame. At 34, each blink and syllable is seen, as in
            recordings of most cameras; the frames between keep the landmarks and signals.
        decode_ahead: Whether clips and videos are decoded in a thread of their own. With a free
            core a clip takes three quarters of the time, without one 6% more.
    """

    model: Path = ASSETS / "off_tanet.onnx"
    detector: Path = ASSETS
    media: MediaLimits = field(default_factory=MediaLimits)
    thresholds: Thresholds = field(default_factory=Thresholds)
    durations: Durations = field(default_factory=Durations)
    batch: int = 64
    faces: int = 5
    landmark_rate: float = 34.0
    decode_ahead: bool = True
