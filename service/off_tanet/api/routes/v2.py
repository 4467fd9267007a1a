"""Routes of the Open Inference Protocol, version 2, for KServe, Triton and MLServer clients."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import Response

from off_tanet.api.dependencies import EngineDep
from off_tanet.api.requests import check_encoding, run_with
from off_tanet.errors import UnknownModelError
from off_tanet.schemas.oip import (
    EXTENSIONS,
    ModelMetadataBody,
    ModelReadyBody,
    ServerLiveBody,
    ServerMetadataBody,
    ServerReadyBody,
)
from off_tanet.workers.batching import InferenceBatcher
from off_tanet.workers.engine import Engine
from off_tanet.workers.jobs import InferenceJob

HEADER_LENGTH = "Inference-Header-Content-Length"


async def known_model(engine: EngineDep, name: str) -> None:
    """Refuse other models with 404; used as a dependency."""
    served = engine.check_ready().card
    if name != served.name:
        raise UnknownModelError(f"The model of this service is {served.name}.")


async def known_version(engine: EngineDep, name: str, version: str) -> None:
    """Refuse other models and versions with 404; used as a dependency."""
    await known_model(engine, name)
    served = engine.check_ready().card
    if version != served.version:
        raise UnknownModelError(f"The version of the model is {served.version}.")


async def server(request: Request) -> ServerMetadataBody:
    """Return the name and version of the service, and its protocol extensions."""
    return ServerMetadataBody(
        name="off-tanet", version=request.app.version, extensions=list(EXTENSIONS)
    )


async def live() -> ServerLiveBody:
    """Report that the process responds."""
    return ServerLiveBody()


async def ready(engine: EngineDep) -> ServerReadyBody:
    """Report that requests are accepted; otherwise 503 with the reason."""
    engine.check_ready()
    return ServerReadyBody()


async def model(engine: EngineDep) -> ModelMetadataBody:
    """Return the versions, inputs and outputs of the model."""
    return ModelMetadataBody.of(engine.check_ready().card)


async def model_ready(engine: EngineDep) -> ModelReadyBody:
    """Report that the model accepts requests; otherwise 503 with the reason."""
    return ModelReadyBody(name=engine.check_ready().card.name)


async def infer(
    request: Request,
    inference_header_content_length: Annotated[str | None, Header()] = None,
) -> Response:
    """Return class probabilities and attention maps for a batch of optical flow.

    The flow goes from the onset to the apex of a 112 x 112 face crop. Tensors may be JSON or
    binary, as in the protocol's binary tensor data extension.
    """
    check_encoding(request)
    job = InferenceJob(inference_header_content_length)
    batcher: InferenceBatcher = request.app.state.batcher
    reply = (await run_with(request, partial(batcher.run, job))).reply
    if not reply.binary:
        return Response(reply.header, media_type="application/json")
    return Response(
        reply.header + reply.binary,
        headers={HEADER_LENGTH: str(len(reply.header))},
        media_type="application/octet-stream",
    )


async def infer_directly(request: Request) -> Response:
    """Return what `infer` returns, without the framework's evaluation of its dependencies."""
    engine: Engine = request.app.state.engine
    known = known_version if "version" in request.path_params else known_model
    await known(engine, **request.path_params)
    return await infer(request, request.headers.get(HEADER_LENGTH))


ENDPOINTS = dict.fromkeys(
    ("/v2/models/{name}/infer", "/v2/models/{name}/versions/{version}/infer"), infer_directly
)
"""The function of each path that receives tensors."""
