"""The sessions of ONNX Runtime, with every option that the package sets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from off_tanet.errors import ModelError

# ONNX Runtime 1.32 for Linux sends telemetry to its vendor and keeps files for it in the home and
# the temporary folder, from its import on. This service sends none.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # type: ignore[import-untyped]


class ModelMeta(Protocol):
    """The metadata of a model file."""

    @property
    def custom_metadata_map(self) -> Mapping[str, str]:
        """The key-value pairs that the model's author added."""
        ...


class Session(Protocol):
    """The part of `onnxruntime.InferenceSession` that is used here; tests provide a fake."""

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[Any]]:
        """Run the graph.

        Args:
            output_names: The outputs to return; None returns all, in the order of the graph.
            input_feed: The inputs by their names.

        Returns:
            The outputs in the order of `output_names`.
        """
        ...

    def get_modelmeta(self) -> ModelMeta:
        """Return the metadata of the model file."""
        ...


def open_session(path: Path | str, threads: int = 1) -> Session:
    """Open a model file for inference on the CPU.

    Args:
        path: An ONNX file.
        threads: The number of threads of an operator, the calling thread included.

    Returns:
        The session. Several threads may use it at once.

    Raises:
        ModelError: If the file is missing or no ONNX model that can be run.
    """
    options = onnxruntime.SessionOptions()
    # Set explicitly: the defaults pin one thread to each core, which fails under a cpuset and makes
    # worker processes compete for cores.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not Path(path).is_file():
        raise ModelError(f"there is no model file {Path(path).name}")
    try:
        session: Session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's exceptions have no other common base
        raise ModelError(f"{Path(path).name} is no ONNX model that can be run") from error
    return session
