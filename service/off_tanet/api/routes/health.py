"""Whether the process lives, and whether it takes requests."""

from __future__ import annotations

from off_tanet.api.dependencies import EngineDep
from off_tanet.schemas.prediction import HealthBody


async def live() -> HealthBody:
    """The process answers. Says nothing of the workers."""
    return HealthBody(status="live")


async def ready(engine: EngineDep) -> HealthBody:
    """The workers are warm and requests are taken; else 503 with the reason."""
    engine.check_ready()
    return HealthBody(status="ready")
