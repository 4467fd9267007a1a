"""What a Recognizer is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from off_tanet.limits import Durations, MediaLimits, Thresholds

ASSETS = Path(__file__).parent / "assets"
SAMPLES = ASSETS / "samples"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a Recognizer is made of; plain values, so that it travels to a worker process."""

    model: Path = ASSETS / "off_tanet.onnx"
    detector: Path = ASSETS
    media: MediaLimits = field(default_factory=MediaLimits)
    thresholds: Thresholds = field(default_factory=Thresholds)
    durations: Durations = field(default_factory=Durations)
    batch: int = 64  # flows that one request may bring
