"""Conversion of Open Inference Protocol bodies to and from arrays.

A body with an `Inference-Header-Content-Length` consists of that many bytes of JSON, followed by
the tensors whose `binary_data_size` is in the JSON, little-endian and without gaps. A body without
this header is JSON only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from off_tanet.errors import InferenceRequestError, LimitExceededError
from off_tanet.schemas import json_tensors
from off_tanet.schemas.oip import (
    InferenceRequestBody,
    InferenceResponseBody,
    InputTensor,
    OutputTensor,
    Reply,
)
from off_tanet.types import ModelName
from off_tanet.types.tensors import FLOW_SHAPE, INPUT, OUTPUTS

Floats = NDArray[np.float32]

_LITTLE_ENDIAN = np.dtype("<f4")
_OTHER_COMMAS = 1000  # in the JSON of a request, except between its numbers


@dataclass(frozen=True, slots=True, eq=False)
class InferenceRequest:
    """A parsed request.

    Attributes:
        id: Identifier that the client gave.
        flows: Finite flow fields, [N, 2, 112, 112].
        outputs: Name of each requested output, and whether it is to be binary.
    """

    id: str | None
    flows: Floats
    outputs: Mapping[str, bool]


def parse(
    body: bytes,
    header_length: str | None,
    max_batch: int,
    available: Sequence[str] = OUTPUTS,
) -> InferenceRequest:
    """Parse a request.

    Args:
        body: The body of the request.
        header_length: The value of its `Inference-Header-Content-Length`, if it has that header.
        max_batch: Maximum number of flow fields.
        available: The outputs of the model.

    Raises:
        InferenceRequestError: The request is invalid.
        LimitExceededError: There are more than `max_batch` flow fields.
    """
    length = len(body) if header_length is None else _length(header_length, len(body))
    header, binary = body[:length], body[length:]
    described, data = json_tensors.separate_data(header)
    if described.count(b",") > max_batch * math.prod(FLOW_SHAPE) + _OTHER_COMMAS:
        raise _too_many(max_batch)
    try:
        request = InferenceRequestBody.model_validate_json(described)
    except ValidationError as error:
        raise InferenceRequestError(_describe_first(error)) from None
    tensor = request.inputs[0]
    if tensor.shape[0] > max_batch:
        raise _too_many(max_batch)
    outputs = _outputs(request, available)
    return InferenceRequest(request.id, _flows(tensor, data, binary), outputs)


def reply(request: InferenceRequest, model: ModelName, outputs: Mapping[str, Floats]) -> Reply:
    """Serialize the response to a request.

    Args:
        request: The request, which determines the outputs and their encoding.
        model: Name and version of the model.
        outputs: All outputs of the model, by name.
    """
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
    response = InferenceResponseBody(
        model_name=model.name, model_version=model.version, id=request.id, outputs=tensors
    )
    return Reply(response.model_dump_json(exclude_none=True).encode(), binary)


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


def _describe_first(error: ValidationError) -> str:
    """Return the location and the reason of the first error, without the value."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, fault["loc"])) or "body"
    return f"{place}: {fault['msg']}"


def _outputs(request: InferenceRequestBody, available: Sequence[str]) -> dict[str, bool]:
    default = bool(request.parameters and request.parameters.binary_data_output)
    if not request.outputs:
        return dict.fromkeys(available, default)
    outputs: dict[str, bool] = {}
    for output in request.outputs:
        if output.name not in available:
            raise InferenceRequestError(f"The model has no output {output.name}.")
        chosen = None if output.parameters is None else output.parameters.binary_data
        outputs[output.name] = default if chosen is None else chosen
    return outputs


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
    if tensor.data is not None:  # with NaN or Infinity, which are not JSON
        raise InferenceRequestError(f"{INPUT} holds values that are not finite.")
    if data is None:
        raise InferenceRequestError(f"{INPUT} has neither data nor binary_data_size.")
    return json_tensors.parse(data, tensor.shape)
