"""Names and shapes of the inputs and outputs of a model."""

from __future__ import annotations

from off_tanet.types.pictures import CROP_SIZE

INPUT = "flow"
OUTPUTS = ("probabilities", "attention")
EXPRESSIVE = "expressive"
"""An output that older model files do not have. Whether a file has it is in its metadata."""

FLOW_SHAPE = (2, CROP_SIZE, CROP_SIZE)
ATTENTION_SHAPE = (14, 14)


def output_names(expressive: bool) -> tuple[str, ...]:
    """Return the outputs of a model that has the output `expressive`, or that has not."""
    return (*OUTPUTS, EXPRESSIVE) if expressive else OUTPUTS
