"""The weights of the model that the service ships."""

from __future__ import annotations

from pathlib import Path

from off_tanet_export.checkpoint import Checkpoint, load

SHIPPED = Path(__file__).parent / "weights" / "off_tanet.safetensors"


def load_shipped() -> Checkpoint:
    """Return the weights from which the service's ONNX file was exported."""
    return load(SHIPPED)
