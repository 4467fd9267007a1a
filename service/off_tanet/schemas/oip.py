"""JSON bodies of the Open Inference Protocol, under /v2.

They follow KServe's `open-inference-protocol` and Triton's binary tensor extension. Other members
belong to other extensions and are ignored, as the protocol requires.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from off_tanet.types import ModelCard
from off_tanet.types.tensors import (
    ATTENTION_SHAPE,
    EXPRESSIVE,
    FLOW_SHAPE,
    INPUT,
    output_names,
)

EXTENSIONS = ("binary_tensor_data",)

OutputName = Literal["probabilities", "attention", "expressive"]
Count = Annotated[int, Field(ge=1)]


class _RequestModel(BaseModel):
    model_config = ConfigDict(strict=True)


class InputParameters(_RequestModel):
    """Parameters of an input tensor."""

    binary_data_size: int | None = Field(
        None, ge=0, description="Size of the tensor in bytes, if it follows the JSON."
    )


class InputTensor(_RequestModel):
    """Optical flow: u to the right and v downwards, in pixels of a 112 x 112 face crop."""

    name: Literal["flow"]
    datatype: Literal["FP32"]
    shape: tuple[Count, Literal[2], Literal[112], Literal[112]]
    data: list[Any] | None = Field(
        None, description="Numbers, flat in row-major order or nested as the shape."
    )
    parameters: InputParameters | None = None


class OutputParameters(_RequestModel):
    """Parameters of a requested output."""

    binary_data: bool | None = Field(None, description="Whether it is to follow the JSON.")
    # Clients that use these would misread a response that ignored them.
    classification: None = Field(None, description="Not supported.")
    shared_memory_region: None = Field(None, description="Not supported.")


class RequestedOutput(_RequestModel):
    """An output that the response is to contain."""

    name: OutputName
    parameters: OutputParameters | None = None


class RequestParameters(_RequestModel):
    """Parameters of a request."""

    binary_data_output: bool | None = Field(
        None, description="The default of `binary_data` for all outputs."
    )


class InferenceRequestBody(_RequestModel):
    """A request for inference."""

    id: str | None = Field(None, description="Returned unchanged in the response.")
    inputs: tuple[InputTensor]
    outputs: list[RequestedOutput] | None = Field(None, description="All outputs, if omitted.")
    parameters: RequestParameters | None = None


class OutputTensor(BaseModel):
    """An output tensor."""

    name: str
    datatype: Literal["FP32"] = "FP32"
    shape: list[int]
    data: list[float] | None = Field(None, description="Numbers, flat in row-major order.")
    parameters: dict[Literal["binary_data_size"], int] | None = None


class InferenceResponseBody(BaseModel):
    """The outputs. With `binary_data`, their bytes follow the JSON in order, little-endian."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


@dataclass(frozen=True, slots=True)
class Reply:
    """A serialized `InferenceResponseBody`.

    Attributes:
        header: The JSON.
        binary: The tensors that follow it; empty if all are in the JSON.
    """

    header: bytes = field(repr=False)
    binary: bytes = field(repr=False)


class ServerMetadataBody(BaseModel):
    """Description of the service."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadataBody(BaseModel):
    """Description of an input or output of the model."""

    name: str
    datatype: Literal["FP32"] = "FP32"
    shape: list[int] = Field(description="-1 stands for any length.")


class ModelMetadataBody(BaseModel):
    """Description of the model."""

    name: str
    versions: list[str]
    platform: Literal["onnxruntime_onnx"] = "onnxruntime_onnx"
    inputs: list[TensorMetadataBody]
    outputs: list[TensorMetadataBody]

    @classmethod
    def of(cls, card: ModelCard) -> Self:
        """Create the description from the metadata of the model file."""
        shapes = {"probabilities": [len(card.classes)], "attention": ATTENTION_SHAPE}
        shapes[EXPRESSIVE] = []
        return cls(
            name=card.name,
            versions=[card.version],
            inputs=[TensorMetadataBody(name=INPUT, shape=[-1, *FLOW_SHAPE])],
            outputs=[
                TensorMetadataBody(name=name, shape=[-1, *shapes[name]])
                for name in output_names(card.expressive_parameters is not None)
            ],
        )


class ServerLiveBody(BaseModel):
    """The process responds."""

    live: Literal[True] = True


class ServerReadyBody(BaseModel):
    """The service accepts requests."""

    ready: Literal[True] = True


class ModelReadyBody(ServerReadyBody):
    """The model accepts requests."""

    name: str
