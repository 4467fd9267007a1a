"""What the model says of itself."""

from __future__ import annotations

from off_tanet.api.dependencies import EngineDep
from off_tanet.schemas.prediction import ModelBody


async def model(engine: EngineDep) -> ModelBody:
    """Name, version, classes, input, parameters, licence, training data and measured scores."""
    info = engine.check_ready()
    return ModelBody.of(info.card, info.flow_build)
