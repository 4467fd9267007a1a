"""The Open Inference Protocol, version 2, as KServe, Triton and MLServer clients speak it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import Response

from off_tanet.api.dependencies import EngineDep, RunDep
from off_tanet.errors import UnknownModelError
from off_tanet.schemas.oip import (
    EXTENSIONS,
    ModelMetadataBody,
    ModelReadyBody,
    ServerLiveBody,
    ServerMetadataBody,
    ServerReadyBody,
)
from off_tanet.workers.jobs import InferenceJob

HEADER_LENGTH = "Inference-Header-Content-Length"


async def known_model(engine: EngineDep, name: str) -> None:
    """A dependency that refuses other models with 404."""
    served = engine.check_ready().card
    if name != served.name:
        raise UnknownModelError(f"The model that is served is {served.name}.")


async def known_version(engine: EngineDep, name: str, version: str) -> None:
    """A dependency that refuses other models and versions with 404."""
    await known_model(engine, name)
    served = engine.check_ready().card
    if version != served.version:
        raise UnknownModelError(f"The version that is served is {served.version}.")


async def server(request: Request) -> ServerMetadataBody:
    """The service's name, version and extensions of the protocol."""
    return ServerMetadataBody(
        name="off-tanet", version=request.app.version, extensions=list(EXTENSIONS)
    )


async def live() -> ServerLiveBody:
    """The process answers."""
    return ServerLiveBody()


async def ready(engine: EngineDep) -> ServerReadyBody:
    """Requests are taken; else 503 with the reason."""
    engine.check_ready()
    return ServerReadyBody()


async def model(engine: EngineDep) -> ModelMetadataBody:
    """The model's versions, inputs and outputs."""
    return ModelMetadataBody.of(engine.check_ready().card)


async def model_ready(engine: EngineDep) -> ModelReadyBody:
    """The model takes requests; else 503 with the reason."""
    return ModelReadyBody(name=engine.check_ready().card.name)


async def infer(
    run: RunDep,
    inference_header_content_length: Annotated[str | None, Header()] = None,
) -> Response:
    """Class probabilities and attention for a batch of flows that were measured elsewhere."""
    reply = (await run(InferenceJob(inference_header_content_length))).reply
    if not reply.binary:
        return Response(reply.header, media_type="application/json")
    return Response(
        reply.header + reply.binary,
        headers={HEADER_LENGTH: str(len(reply.header))},
        media_type="application/octet-stream",
    )
