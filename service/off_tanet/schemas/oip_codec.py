"""Open Inference Protocol bodies to and from arrays: JSON, and binary tensors after it.

A body with an `Inference-Header-Content-Length` is that many bytes of JSON and then the tensors
that the JSON gives a `binary_data_size`, little-endian and without gaps; one without it is JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from off_tanet.errors import InferenceRequestError, LimitExceededError
from off_tanet.recognition.classifier import FLOW_SHAPE, INPUT
from off_tanet.schemas import json_tensors
from off_tanet.schemas.oip import (
    InferenceRequestBody,
    InferenceResponseBody,
    InputTensor,
    OutputName,
    OutputTensor,
)
from off_tanet.types import ModelName

Floats = NDArray[np.float32]

_LITTLE_ENDIAN = np.dtype("<f4")
_OTHER_COMMAS = 1000  # those of a request's JSON that are not between the numbers


@dataclass(frozen=True, slots=True, eq=False)
class InferenceRequest:
    """Flows [N, 2, 112, 112], finite, and the outputs wanted of them: name -> whether binary."""

    id: str | None
    flows: Floats
    outputs: Mapping[OutputName, bool]


@dataclass(frozen=True, slots=True)
class Reply:
    """The JSON of an answer, and the tensors that follow it; empty where all are in the JSON."""

    header: bytes = field(repr=False)
    binary: bytes = field(repr=False)


def parse(body: bytes, header_length: str | None, max_batch: int) -> InferenceRequest:
    """The request in `body`; `header_length` is the header of that name as it came.

    Raises InferenceRequestError, and LimitExceededError for more than `max_batch` flows.
    """
    length = len(body) if header_length is None else _length(header_length, len(body))
    header, binary = body[:length], body[length:]
    if header.count(b",") > max_batch * math.prod(FLOW_SHAPE) + _OTHER_COMMAS:
        raise _too_many(max_batch)
    described, data = json_tensors.lift(header)
    try:
        told = InferenceRequestBody.model_validate_json(described)
    except ValidationError as error:
        raise InferenceRequestError(_first(error)) from None
    if told.inputs[0].shape[0] > max_batch:
        raise _too_many(max_batch)
    return InferenceRequest(told.id, _flows(told.inputs[0], data, binary), _wanted(told))


def reply(request: InferenceRequest, model: ModelName, outputs: Mapping[str, Floats]) -> Reply:
    """The answer to `request`, of `outputs` what it wants, as it wants it."""
    tensors, binary = [], b""
    for name, as_binary in request.outputs.items():
        values = outputs[name].astype(_LITTLE_ENDIAN)
        tensor = OutputTensor(name=name, shape=list(values.shape))
        if as_binary:
            tensor.parameters = {"binary_data_size": values.nbytes}
            binary += values.tobytes()
        else:
            tensor.data = values.ravel().tolist()
        tensors.append(tensor)
    told = InferenceResponseBody(
        model_name=model.name, model_version=model.version, id=request.id, outputs=tensors
    )
    return Reply(told.model_dump_json(exclude_none=True).encode(), binary)


def _length(text: str, total: int) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise InferenceRequestError("Inference-Header-Content-Length is not a number of bytes.")
    if not 0 < int(text) <= total:
        raise InferenceRequestError(
            f"Inference-Header-Content-Length is {int(text)}; the body has {total} bytes."
        )
    return int(text)


def _too_many(max_batch: int) -> LimitExceededError:
    return LimitExceededError(f"The request has more than {max_batch} flows.", "batch")


def _first(error: ValidationError) -> str:
    """Where and why; never the value."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, fault["loc"])) or "body"
    return f"{place}: {fault['msg']}"


def _wanted(told: InferenceRequestBody) -> dict[OutputName, bool]:
    default = bool(told.parameters and told.parameters.binary_data_output)
    if not told.outputs:
        return {"probabilities": default, "attention": default}
    wanted: dict[OutputName, bool] = {}
    for output in told.outputs:
        chosen = None if output.parameters is None else output.parameters.binary_data
        wanted[output.name] = default if chosen is None else chosen
    return wanted


def _flows(tensor: InputTensor, data: memoryview | None, binary: bytes) -> Floats:
    size = None if tensor.parameters is None else tensor.parameters.binary_data_size
    if size is None:
        if binary:
            raise InferenceRequestError(
                f"{len(binary)} bytes follow the JSON; no input has a binary_data_size."
            )
        flows = _from_json(tensor, data)
    elif data is not None or tensor.data is not None:
        raise InferenceRequestError(f"{INPUT} has both data and binary_data_size.")
    else:
        flows = _from_bytes(binary, size, tensor.shape)
    if not np.isfinite(flows).all():
        raise InferenceRequestError(f"{INPUT} holds values that are not finite in FP32.")
    return flows


def _from_bytes(binary: bytes, size: int, shape: tuple[int, ...]) -> Floats:
    needed = math.prod(shape) * _LITTLE_ENDIAN.itemsize
    if size != needed:
        raise InferenceRequestError(
            f"{INPUT} has a binary_data_size of {size}; its shape needs {needed} bytes."
        )
    if len(binary) != size:
        raise InferenceRequestError(
            f"{len(binary)} bytes follow the JSON; binary_data_size is {size}."
        )
    return np.frombuffer(binary, _LITTLE_ENDIAN).astype(np.float32).reshape(shape)


def _from_json(tensor: InputTensor, data: memoryview | None) -> Floats:
    if tensor.data is not None:  # NaN and Infinity, which are no JSON
        raise InferenceRequestError(f"{INPUT} holds values that are not finite.")
    if data is None:
        raise InferenceRequestError(f"{INPUT} has neither data nor binary_data_size.")
    return json_tensors.read(data, tensor.shape)
