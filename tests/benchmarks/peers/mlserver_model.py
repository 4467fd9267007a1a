"""A model of MLServer, which takes the files in base64 in the Open Inference Protocol."""

from __future__ import annotations

from mlserver import MLModel  # type: ignore[import-not-found]
from mlserver.codecs import Base64Codec  # type: ignore[import-not-found]
from mlserver.types import (  # type: ignore[import-not-found]
    InferenceRequest,
    InferenceResponse,
    ResponseOutput,
)

from tests.benchmarks.peers import recognition


class Model(MLModel):  # type: ignore[misc]
    async def load(self) -> bool:
        self.answer = recognition.load()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        onset, apex = (Base64Codec.decode_input(each)[0] for each in payload.inputs)
        probabilities = self.answer(onset, apex)
        output = ResponseOutput(
            name="probabilities",
            shape=[1, len(probabilities)],
            datatype="FP32",
            data=list(probabilities.values()),
        )
        return InferenceResponse(model_name=self.name, outputs=[output])
