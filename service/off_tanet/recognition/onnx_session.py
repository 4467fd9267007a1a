"""How a network is run: every choice of ONNX Runtime's is made here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from off_tanet.errors import ModelError

# ONNX Runtime 1.32 for Linux tells its maker how it is used and keeps files for that in the home
# and the temporary folder, from its import on. Nothing of this service calls home.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # type: ignore[import-untyped]


class ModelMeta(Protocol):
    """What a model file says of itself, beside its graph."""

    @property
    def custom_metadata_map(self) -> Mapping[str, str]: ...


class Session(Protocol):
    """The part of `onnxruntime.InferenceSession` that the rooms use; tests give a fake."""

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[Any]]:
        """The outputs asked for by name, or all of them, in the graph's order."""
        ...

    def get_modelmeta(self) -> ModelMeta: ...


def open_session(path: Path | str, threads: int = 1) -> Session:
    """A session on the CPU with that many threads.

    Raises `ModelError` where the file is missing or no ONNX model that can be run.
    """
    options = onnxruntime.SessionOptions()
    # Explicit, because the defaults pin one thread to each core, which fails under a cpuset and
    # makes workers fight for cores.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not Path(path).is_file():
        raise ModelError(f"there is no model file {Path(path).name}")
    try:
        session: Session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's exceptions share no base but this
        raise ModelError(f"{Path(path).name} is no ONNX model that can be run") from error
    return session
