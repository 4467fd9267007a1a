"""What the model says of itself."""

from __future__ import annotations

from off_tanet.api.dependencies import EngineDep
from off_tanet.schemas.prediction import ModelBody


async def model(engine: EngineDep) -> ModelBody:
    """Name, version, classes, input, parameters, licence, training data and measured scores."""
    return ModelBody.of(engine.check_ready())
