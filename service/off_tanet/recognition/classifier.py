"""Classification of optical flow. The ONNX graph contains everything after the flow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from off_tanet.errors import ModelError
from off_tanet.recognition.onnx_session import Session, open_session
from off_tanet.types import Classification, Flow, ModelCard, are_class_names
from off_tanet.types.tensors import FLOW_SHAPE, INPUT, output_names

_EXTRA = "expressive_parameters"


class Classifier:
    """Classifies flow with an Off-TANet model file, which is checked on a face that does not move.

    Threads may share an instance, as they may share a session of ONNX Runtime.

    Args:
        path: The ONNX file.
        threads: The number of threads of the session.
        opener: Opens the session; replaced in tests.

    Attributes:
        card: The description of the model from the metadata of the file.

    Raises:
        ModelError: If the file is missing or no Off-TANet model.
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
        names = self.card.classes
        if not are_class_names(names):
            raise ModelError(f"{Path(path).name} does not name each class once, as a plain word")
        try:
            still = self.classify(np.zeros(FLOW_SHAPE, np.float32))
            dict(zip(names, still.probabilities, strict=True))
        except Exception as error:  # ONNX Runtime raises many types on a foreign graph
            raise ModelError(f"{Path(path).name} does not turn flow into probabilities") from error

    def classify(self, flow: Flow) -> Classification:
        """Classify one flow.

        Args:
            flow: Flow from onset to apex, float32 [2, 112, 112], in pixels.

        Returns:
            The probabilities of the classes and the attention map.

        Raises:
            ValueError: If the flow has another shape or dtype, or values that are not finite or
                so large that the probabilities are not finite.
        """
        return self.classify_batch(flow[None])[0]

    def classify_batch(self, flows: NDArray[np.float32]) -> list[Classification]:
        """Classify several flows in one run of the network.

        Args:
            flows: Flows, float32 [N, 2, 112, 112], N >= 1, in pixels.

        Returns:
            N classifications, in the order of the flows.

        Raises:
            ValueError: As in `classify`.
        """
        if flows.ndim != 4 or flows.shape[1:] != FLOW_SHAPE or not len(flows):
            raise ValueError(f"flow has shape {flows.shape[1:]} instead of {FLOW_SHAPE}")
        if flows.dtype != np.float32:
            raise ValueError(f"flow is {flows.dtype} instead of float32")
        if not np.isfinite(flows).all():
            raise ValueError("flow holds values that are not finite")
        outputs = output_names(self.card.expressive_parameters is not None)
        probabilities, attention, *rest = self._session.run(outputs, {INPUT: flows})
        if not all(np.isfinite(values).all() for values in (probabilities, *rest)):
            raise ValueError("flow holds values that are too large")
        exact = probabilities.astype(np.float64)
        exact /= exact.sum(axis=1, keepdims=True)  # float32 sums miss 1 by up to 1e-6
        expressive = rest[0].tolist() if rest else [None] * len(flows)
        answers = zip(exact, attention, expressive, strict=True)
        return [Classification(*answer) for answer in answers]


def read_card(metadata: Mapping[str, str]) -> ModelCard:
    """Parse the description of a model.

    Args:
        metadata: The metadata of a model file.

    Returns:
        The model card.

    Raises:
        KeyError: If a required entry is missing.
        ValueError: If an entry has no valid value.
    """
    return ModelCard(
        name=metadata["name"],
        version=metadata["version"],
        classes=tuple(map(str, json.loads(metadata["classes"]))),
        input=metadata["input"],
        parameters=int(metadata["parameters"]),
        licence=metadata["licence"],
        training_data=metadata["training_data"],
        scores=json.loads(metadata["scores"]),
        preprocessing=json.loads(metadata["preprocessing"]),
        training=json.loads(metadata.get("training", "{}")),
        limits=metadata.get("limits", ""),
        responsible_use=metadata.get("responsible_use", ""),
        expressive_parameters=int(extra) if (extra := metadata.get(_EXTRA)) else None,
    )
