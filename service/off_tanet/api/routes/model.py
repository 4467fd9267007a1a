"""The description of the model."""

from __future__ import annotations

from off_tanet.api.dependencies import EngineDep
from off_tanet.schemas.model import ModelBody


async def model(engine: EngineDep) -> ModelBody:
    """Return the model card: classes, licence, training data, measured scores and limits of use."""
    info = engine.check_ready()
    return ModelBody.of(info.card, info.flow_build)
