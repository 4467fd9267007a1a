"""Export of a checkpoint to the ONNX file that the service loads, with checks against PyTorch."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from off_tanet.errors import ModelError
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.flow import tvl1
from off_tanet.recognition.onnx_session import open_session
from off_tanet.types import CLASSES, CROP_SIZE
from off_tanet.types.tensors import INPUT, output_names

from off_tanet_export.checkpoint import Checkpoint, load
from off_tanet_export.errors import ExportError
from off_tanet_export.graph import FlowClassifier
from off_tanet_export.network.blocked import blocked
from off_tanet_export.synthesis.generator import Synthesis

TOLERANCE = 1e-5
"""The largest accepted difference of an output between ONNX Runtime and PyTorch."""

BATCHES = (1, 2, 7)
"""The batch sizes with which the file is checked."""

_LIMITS = (
    "The model classifies the motion from a neutral onset to the apex of one brief expression, on "
    "a face that is nearly frontal, evenly lit, tightly cropped and filmed at 100 frames a second "
    "or more. It is not meant for posed or long (macro) expressions, talking, chewing, head "
    "rotation, covered faces or low frame rates. There is no class for the absence of an "
    "expression: any motion gets one of the {count} classes. Whether there is an expression at all "
    "is the output `expressive` of files that have it."
)
RESPONSIBLE_USE = (
    "The model reports how a face moved, not what a person feels, thinks or hides. It is not a lie "
    "detector, and no decision about a person may be based on it. Inferring emotions in workplaces "
    "and in education is prohibited in the European Union, except for medical or safety reasons: "
    "Regulation (EU) 2024/1689, Article 5(1)(f)."
)
"""A summary of MODEL_CARD.md for users who have only the file or the service."""

_COUNTS: Mapping[int, str] = MappingProxyType(
    {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}
)


def export(checkpoint_path: Path, output: Path) -> None:
    """Write a checkpoint's graph and metadata as ONNX, after all checks have passed.

    An existing file at `output` is replaced in one step, or left unchanged if a check fails.

    Args:
        checkpoint_path: Our `.safetensors` file or the published `.pth` file.
        output: The `.onnx` file to write. Its folder must exist.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        ExportError: The folder does not exist, or a check failed.
    """
    checkpoint = load(checkpoint_path)
    if not output.parent.is_dir():
        raise ExportError(f"the folder {output.parent} does not exist")
    classifier = checkpoint.classifier()
    model = trace(classifier)
    onnx.helper.set_model_props(model, metadata(checkpoint))
    # In the output's folder, so that the checked file can be renamed in one step.
    with tempfile.TemporaryDirectory(prefix=".export-", dir=output.parent) as folder:
        draft = Path(folder) / output.name
        onnx.save(model, draft)
        check(draft, classifier)
        os.replace(draft, output)


def trace(classifier: FlowClassifier) -> onnx.ModelProto:
    """Trace the classifier to an ONNX graph with a free batch size.

    The graph computes the network in whole blocks of channels, see `blocked`.

    Raises:
        ExportError: PyTorch returned no ONNX program.
    """
    example = torch.zeros(2, 2, CROP_SIZE, CROP_SIZE)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # warns of torchvision, not needed here
    with warnings.catch_warnings():
        # PyTorch 2.13 deprecates a class of its own that its exporter still uses.
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
        program = torch.onnx.export(
            FlowClassifier(
                blocked(classifier.network),
                classifier.preprocessing,
                classifier.expressive,
                classifier.residual,
            ).eval(),
            (example,),
            input_names=[INPUT],
            output_names=list(_outputs(classifier)),
            dynamic_shapes=({0: torch.export.Dim("N")},),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ExportError("PyTorch returned no ONNX program")
    model = program.model_proto
    model.producer_name, model.producer_version = "model_export", ""
    remove_source_notes(model.graph)
    return model


def _outputs(classifier: FlowClassifier) -> tuple[str, ...]:
    return output_names(classifier.expressive is not None)


def remove_source_notes(graph: onnx.GraphProto) -> None:
    """Remove the exporter's notes: they contain stack traces with paths of this machine."""
    del graph.metadata_props[:]
    for item in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""


def metadata(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the file's metadata, which `off_tanet.recognition.classifier.read_card` reads."""
    card, head = checkpoint.card, checkpoint.expressive
    correction = 0 if checkpoint.residual is None else checkpoint.residual.size
    extra = {} if head is None else {"expressive_parameters": str(head.size)}
    return {
        "name": card.name,
        "version": card.version,
        "licence": card.licence,
        "training_data": card.training_data,
        "classes": json.dumps(card.classes),
        "input": f"{INPUT} float32 [N,2,{CROP_SIZE},{CROP_SIZE}]: TV-L1 optical flow of a face "
        "crop from onset to apex, u right, v down, in pixels",
        "parameters": str(checkpoint.network.size + correction),
        "scores": json.dumps(card.scores, sort_keys=True),
        "training": json.dumps(card.training, sort_keys=True),
        "preprocessing": json.dumps(asdict(checkpoint.preprocessing), sort_keys=True),
        "limits": limits(len(card.classes)),
        "responsible_use": RESPONSIBLE_USE,
        **extra,
    }


def limits(classes: int) -> str:
    """Return what a model of some number of classes cannot do, in sentences."""
    return _LIMITS.format(count=_COUNTS.get(classes, str(classes)))


def check(path: Path, classifier: FlowClassifier) -> None:
    """Check that a file is valid ONNX, loads in the service and gives PyTorch's outputs.

    Raises:
        ExportError: A check failed.
    """
    try:
        onnx.checker.check_model(path, full_check=True)
        Classifier(path)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError("the graph is not valid ONNX") from error
    except ModelError as error:
        raise ExportError(f"the service refuses the graph: {error.detail}") from error
    session, names = open_session(path), _outputs(classifier)
    flows = np.concatenate([random_flows(64), measured_flows(8)])
    with torch.inference_mode():
        expected = [output.numpy() for output in classifier(torch.from_numpy(flows))]
    for size in BATCHES:
        for first in range(0, len(flows), size):
            batch = slice(first, first + size)
            for name, ours, theirs in zip(
                names, session.run(names, {INPUT: flows[batch]}), expected, strict=True
            ):
                difference = np.abs(ours - theirs[batch]).max()
                if not difference <= TOLERANCE:  # also true for NaN
                    raise ExportError(f"{name} differ from PyTorch's by {difference:.2g}")


def random_flows(count: int) -> NDArray[np.float32]:
    """Return noise [count, 2, 112, 112] with standard deviations from 0.01 to 10 pixels."""
    rng = np.random.default_rng(0)
    amplitude = np.geomspace(0.01, 10, count)[:, None, None, None]
    return (amplitude * rng.normal(size=(count, 2, CROP_SIZE, CROP_SIZE))).astype(np.float32)


def measured_flows(count: int) -> NDArray[np.float32]:
    """Return flow [count, 2, 112, 112] that TV-L1 measures on a moving texture, in pixels.

    The texture is not a face, so that exporting a model needs no photograph. It moves by synthetic
    expressions; noise and staircase artefacts of the flow are those of TV-L1.
    """
    rng = np.random.default_rng(1)
    motions = Synthesis(seed=1, size=CROP_SIZE).batch(np.arange(count) % len(CLASSES))
    columns, rows = np.meshgrid(*[np.arange(CROP_SIZE, dtype=np.float32)] * 2)
    flows = []
    for u, v in motions:
        noise = rng.uniform(0, 255, (CROP_SIZE, CROP_SIZE)).astype(np.float32)
        texture = cv2.GaussianBlur(noise, (0, 0), 2)
        texture = cv2.normalize(texture, texture, 0, 255, cv2.NORM_MINMAX)
        moved = cv2.remap(
            texture, columns - u, rows - v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        flows.append(tvl1(texture.astype(np.uint8), moved.clip(0, 255).astype(np.uint8)))
    return np.stack(flows)
