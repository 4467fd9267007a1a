"""What the model says of itself."""

from __future__ import annotations

from service.api.dependencies import EngineDep
from service.api.schemas import ModelBody


async def model(engine: EngineDep) -> ModelBody:
    """Name, version, classes, input, parameters, licence, training data and measured scores."""
    return ModelBody.of(engine.check_ready())
