"""Health checks: whether the process is alive, and whether it accepts requests."""

from __future__ import annotations

from off_tanet.api.dependencies import EngineDep
from off_tanet.schemas.model import HealthBody


async def live() -> HealthBody:
    """Report that the process responds. This does not check the workers."""
    return HealthBody(status="live")


async def ready(engine: EngineDep) -> HealthBody:
    """Report that the workers are warm and requests are accepted; otherwise 503 with the reason."""
    engine.check_ready()
    return HealthBody(status="ready")
