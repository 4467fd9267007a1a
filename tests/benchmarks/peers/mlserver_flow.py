"""A model of MLServer that takes optical flow in the Open Inference Protocol."""

from __future__ import annotations

import numpy as np
from mlserver import MLModel  # type: ignore[import-not-found]
from mlserver.codecs import NumpyCodec  # type: ignore[import-not-found]
from mlserver.types import (  # type: ignore[import-not-found]
    InferenceRequest,
    InferenceResponse,
)

from tests.benchmarks.peers import recognition


class Model(MLModel):  # type: ignore[misc]
    async def load(self) -> bool:
        self.answer = recognition.load_classifier()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        flow = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32, copy=False)
        output = NumpyCodec.encode_output("probabilities", self.answer(flow))
        return InferenceResponse(model_name=self.name, outputs=[output])
