"""What goes over the wire under /v2: the JSON of the Open Inference Protocol.

The specification is KServe's `open-inference-protocol`, with Triton's binary tensor extension.
Members that are not listed here are other extensions' and are passed over, as it demands.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from off_tanet.recognition.classifier import ATTENTION_SHAPE, FLOW_SHAPE, INPUT
from off_tanet.types import ModelCard

EXTENSIONS = ("binary_tensor_data",)

OutputName = Literal["probabilities", "attention"]
Count = Annotated[int, Field(ge=1)]


class _Told(BaseModel):
    model_config = ConfigDict(strict=True)


class InputParameters(_Told):
    binary_data_size: int | None = Field(None, ge=0, description="bytes after the JSON")


class InputTensor(_Told):
    """Flows, u to the right and v downwards, in pixels of a 112 x 112 face crop."""

    name: Literal["flow"]
    datatype: Literal["FP32"]
    shape: tuple[Count, Literal[2], Literal[112], Literal[112]]
    data: list[Any] | None = Field(
        None, description="numbers, flat in row-major order or nested as the shape"
    )
    parameters: InputParameters | None = None


class OutputParameters(_Told):
    binary_data: bool | None = None
    # Whoever asks for these would misread an answer that passed them over.
    classification: None = Field(None, description="not offered")
    shared_memory_region: None = Field(None, description="not offered")


class RequestedOutput(_Told):
    name: OutputName
    parameters: OutputParameters | None = None


class RequestParameters(_Told):
    binary_data_output: bool | None = Field(None, description="for outputs that do not say")


class InferenceRequestBody(_Told):
    id: str | None = Field(None, description="returned as it came")
    inputs: tuple[InputTensor]
    outputs: list[RequestedOutput] | None = Field(None, description="none: all")
    parameters: RequestParameters | None = None


class OutputTensor(BaseModel):
    name: OutputName
    datatype: Literal["FP32"] = "FP32"
    shape: list[int]
    data: list[float] | None = Field(None, description="flat, in row-major order")
    parameters: dict[Literal["binary_data_size"], int] | None = None


class InferenceResponseBody(BaseModel):
    """With `binary_data`, the bytes of the outputs follow the JSON, little-endian, in order."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class ServerMetadataBody(BaseModel):
    name: str
    version: str
    extensions: list[str]


class TensorMetadataBody(BaseModel):
    name: str
    datatype: Literal["FP32"] = "FP32"
    shape: list[int] = Field(description="-1: any")


class ModelMetadataBody(BaseModel):
    name: str
    versions: list[str]
    platform: Literal["onnxruntime_onnx"] = "onnxruntime_onnx"
    inputs: list[TensorMetadataBody]
    outputs: list[TensorMetadataBody]

    @classmethod
    def of(cls, card: ModelCard) -> Self:
        return cls(
            name=card.name,
            versions=[card.version],
            inputs=[TensorMetadataBody(name=INPUT, shape=[-1, *FLOW_SHAPE])],
            outputs=[
                TensorMetadataBody(name="probabilities", shape=[-1, len(card.classes)]),
                TensorMetadataBody(name="attention", shape=[-1, *ATTENTION_SHAPE]),
            ],
        )


class ServerLiveBody(BaseModel):
    live: Literal[True] = True


class ServerReadyBody(BaseModel):
    ready: Literal[True] = True


class ModelReadyBody(ServerReadyBody):
    name: str
