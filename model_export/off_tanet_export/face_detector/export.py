r"""MTCNN's three networks as ONNX files, from the weights in the wheel of `facenet-pytorch`.

Usage:
    pip download --no-deps facenet-pytorch==2.6.0
    python -m off_tanet_export.face_detector.export \
        --wheel facenet_pytorch-2.6.0-py3-none-any.whl --output service/off_tanet/assets/mtcnn
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from off_tanet_export.errors import ExportError, ModelExportError
from off_tanet_export.face_detector.mtcnn import (
    STAGES,
    WHEEL,
    Stage,
    Weights,
    read_wheel,
    reference,
)

OPSET = 17
TOLERANCE = 1e-5

Shape = list[str | int]


@dataclass
class Graph:
    """An ONNX graph under construction; `value` is the name of the last node's output."""

    weights: Weights
    value: str = "pixels"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Add an initializer and return its name."""
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *others: str, output: str = "", **attributes: Any) -> str:
        """Add a node whose inputs are the last value and `others`."""
        inputs = [self.value, *others]
        self.value = output or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [self.value], **attributes))
        return self.value

    def layer(self, name: str, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Add a convolution, or a dense layer if the weight is a matrix."""
        names = (
            self.constant(f"{name}.weight", weight.numpy()),
            self.constant(f"{name}.bias", bias.numpy()),
        )
        if weight.ndim == 2:
            self.node("Gemm", *names, transB=1)
        else:
            self.node("Conv", *names)

    def prelu(self, name: str, axes: int) -> None:
        """Add slope x + (1 - slope) relu(x), over channels followed by `axes` further axes.

        Written out because ONNX Runtime's PRelu is a scalar loop, slower than the convolutions.
        """
        slope = self.weights[f"{name}.weight"].numpy().reshape(-1, *[1] * axes)
        x = self.value
        sloped = self.node("Mul", self.constant(f"{name}.slope", slope))
        self.value = x
        self.node("Relu")
        self.node("Mul", self.constant(f"{name}.rest", 1 - slope))
        self.node("Add", sloped)

    def scalar(self, kind: str, name: str, value: float) -> None:
        """Add a node whose second input is a scalar constant."""
        self.node(kind, self.constant(name, np.array(value, np.float32)))


def convert(stage: Stage, weights: Weights) -> onnx.ModelProto:
    """Convert a stage to a graph from uint8 [N, H, W, 3], blue-green-red, to `reference`'s outputs.

    Scaling, colour order and softmax are in the graph, so that its user only crops and resizes
    pictures.
    """
    graph = Graph(weights)
    graph.node("Cast", to=TensorProto.FLOAT)
    graph.scalar("Sub", "middle", 127.5)
    graph.scalar("Div", "range", 128)
    graph.node("Transpose", perm=[0, 3, 1, 2])
    for number, pool in enumerate(stage.pools, start=1):
        weight, bias = weights[f"conv{number}.weight"], weights[f"conv{number}.bias"]
        # The first layer's channels are reordered, instead of those of every picture.
        graph.layer(f"conv{number}", weight.flip(1) if number == 1 else weight, bias)
        graph.prelu(f"prelu{number}", axes=2)
        if pool:
            graph.node("MaxPool", kernel_shape=[pool, pool], strides=[2, 2], ceil_mode=1)
    if stage.dense:
        _dense(graph, stage, weights[f"conv{len(stage.pools)}.bias"].numel())
    _heads(graph, stage)
    return _model(graph, stage)


def _dense(graph: Graph, stage: Stage, channels: int) -> None:
    name = f"dense{stage.dense}"
    weight = graph.weights[f"{name}.weight"]
    side = round((weight.shape[1] / channels) ** 0.5)
    # From the weights' order (x, y, channel) to the order in which ONNX flattens.
    weight = weight.reshape(-1, side, side, channels).permute(0, 3, 2, 1).flatten(1)
    graph.node("Flatten")
    graph.layer(name, weight, graph.weights[f"{name}.bias"])
    graph.prelu(f"prelu{stage.dense}", axes=0)


def _heads(graph: Graph, stage: Stage) -> None:
    trunk = graph.value
    for number, head in enumerate(stage.heads):
        graph.value = trunk
        weight, bias = graph.weights[f"{head}.weight"], graph.weights[f"{head}.bias"]
        if number == 0:
            # A softmax of two logits (no face, face) is the sigmoid of their difference.
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        graph.layer(head, weight, bias)
        if number == 0:
            graph.node("Squeeze", graph.constant("face", np.array([1])))
            graph.node("Sigmoid", output="score")
        elif number == 2:
            graph.node("Reshape", graph.constant("points", np.array([-1, 2, 5])))
            graph.node("Transpose", perm=[0, 2, 1], output="landmarks")
        elif stage.dense:
            graph.node("Identity", output="box")
        else:
            graph.node("Transpose", perm=[0, 2, 3, 1], output="box")


def _model(graph: Graph, stage: Stage) -> onnx.ModelProto:
    cells: Shape = [] if stage.dense else ["rows", "columns"]
    side: Shape = [stage.cell] * 2 if stage.dense else ["height", "width"]
    outputs: dict[str, Shape] = {"score": ["n", *cells], "box": ["n", *cells, 4]}
    if len(stage.heads) > len(outputs):
        outputs["landmarks"] = ["n", 5, 2]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            stage.name,
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", *side, 3])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in outputs.items()
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
        producer_name="model_export.faces",  # as in the committed files
    )
    helper.set_model_props(
        model,
        {
            "title": f"MTCNN {stage.title}",
            "licence": "MIT",
            "copyright": "Copyright (c) 2019 Timothy Esler",
            "source": f"{stage.name}.pt in {WHEEL}",
            "paper": "Zhang et al., IEEE Signal Processing Letters 23(10), 2016",
        },
    )
    return model


def check(stage: Stage, weights: Weights, model: onnx.ModelProto) -> float:
    """Return the largest difference between the outputs of the graph and of PyTorch.

    Raises:
        ExportError: The difference, over random pictures, is above 1e-5.
    """
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(0)
    worst = 0.0
    for count, extra in ((1, 0), (2, 1), (7, 30)):
        side = stage.cell + (0 if stage.dense else extra)
        pixels = random.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        expected = reference(stage, weights, pixels)
        for ours, theirs in zip(session.run(None, {"pixels": pixels}), expected, strict=True):
            worst = max(worst, float(np.abs(ours - theirs.numpy()).max()))
    if worst > TOLERANCE:
        raise ExportError(f"{stage.title} differs from PyTorch by {worst:.1e}")
    return worst


def convert_wheel(wheel: Path, folder: Path) -> None:
    """Write pnet.onnx, rnet.onnx, onet.onnx and LICENSE into a folder, after all are checked.

    Raises:
        WheelError: The wheel is another one, or damaged.
        ExportError: A graph disagrees with PyTorch.
    """
    states, licence = read_wheel(wheel)
    models = {stage.name: convert(stage, states[stage.name]) for stage in STAGES}
    for stage in STAGES:
        difference = check(stage, states[stage.name], models[stage.name])
        print(f"{stage.title}: within {difference:.1e} of PyTorch")
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in models.items():
        onnx.save(model, folder / f"{name}.onnx")
    (folder / "LICENSE").write_text(licence)


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert a wheel; return the exit code: 0, or 2 after one line on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m off_tanet_export.face_detector.export", description=__doc__
    )
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="a folder")
    options = parser.parse_args(arguments)
    try:
        convert_wheel(options.wheel, options.output)
    except (ModelExportError, OSError) as error:
        print(f"off-tanet: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
