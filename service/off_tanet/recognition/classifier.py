"""Flow -> class probabilities and attention. Everything between the two is in the ONNX graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from off_tanet.errors import ModelError
from off_tanet.recognition.onnx_session import Session, open_session
from off_tanet.types import CLASSES, CROP_SIZE, Classification, Flow, ModelCard

INPUT = "flow"
OUTPUTS = ("probabilities", "attention")
FLOW_SHAPE = (2, CROP_SIZE, CROP_SIZE)
ATTENTION_SHAPE = (14, 14)


class Classifier:
    """A model file, opened, proved on a face that does not move, and ready.

    Raises `ModelError` where the file is missing or not one of ours. One instance can be shared by
    threads: ONNX Runtime's sessions can.
    """

    def __init__(
        self,
        path: Path | str,
        threads: int = 1,
        opener: Callable[[Path | str, int], Session] = open_session,
    ) -> None:
        self._session = opener(path, threads)
        try:
            self.card = read_card(self._session.get_modelmeta().custom_metadata_map)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{Path(path).name} has no metadata of an Off-TANet model") from error
        if self.card.classes != CLASSES:
            raise ModelError(f"{Path(path).name} names other classes than {', '.join(CLASSES)}")
        try:
            self.classify(np.zeros(FLOW_SHAPE, np.float32))
        except Exception as error:  # a foreign graph fails in the runtime's own ways
            raise ModelError(f"{Path(path).name} does not turn flow into probabilities") from error

    def classify(self, flow: Flow) -> Classification:
        """Classify flow [2, 112, 112], float32, in pixels.

        Raises ValueError for another shape or dtype and for values that are not finite or that no
        face could move by.
        """
        return self.classify_batch(flow[None])[0]

    def classify_batch(self, flows: NDArray[np.float32]) -> list[Classification]:
        """Classify flows [N, 2, 112, 112], N >= 1, as `classify` does each."""
        if flows.ndim != 4 or flows.shape[1:] != FLOW_SHAPE or not len(flows):
            raise ValueError(f"flow has shape {flows.shape[1:]} instead of {FLOW_SHAPE}")
        if flows.dtype != np.float32:
            raise ValueError(f"flow is {flows.dtype} instead of float32")
        if not np.isfinite(flows).all():
            raise ValueError("flow holds values that are not finite")
        probabilities, attention = self._session.run(OUTPUTS, {INPUT: flows})
        if not np.isfinite(probabilities).all():
            raise ValueError("flow holds values that are too large")
        exact = probabilities.astype(np.float64)
        exact /= exact.sum(axis=1, keepdims=True)  # float32 sums miss 1 by up to 1e-6
        return [Classification(*answer) for answer in zip(exact, attention, strict=True)]


def read_card(metadata: Mapping[str, str]) -> ModelCard:
    """The card in a model file's metadata. Raises KeyError or ValueError for a foreign one."""
    return ModelCard(
        name=metadata["name"],
        version=metadata["version"],
        classes=tuple(json.loads(metadata["classes"])),
        input=metadata["input"],
        parameters=int(metadata["parameters"]),
        licence=metadata["licence"],
        training_data=metadata["training_data"],
        scores=json.loads(metadata["scores"]),
        preprocessing=json.loads(metadata["preprocessing"]),
        training=json.loads(metadata.get("training", "{}")),
        limits=metadata.get("limits", ""),
        responsible_use=metadata.get("responsible_use", ""),
    )
