"""MTCNN's three networks, from the weights in the wheel of `facenet-pytorch`, as ONNX files.

    pip download --no-deps facenet-pytorch==2.6.0
    python -m model_export.faces --wheel facenet_pytorch-2.6.0-py3-none-any.whl \\
        --output service/assets/mtcnn

The networks are those of K. Zhang, Z. Zhang, Z. Li and Y. Qiao, "Joint Face Detection and Alignment
Using Multitask Cascaded Convolutional Networks", IEEE Signal Processing Letters 23(10), 2016. Only
the wheel's three state dicts and its licence are read; nothing of it is installed or run.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "facenet_pytorch"
OPSET = 17
TOLERANCE = 1e-5

Weights = dict[str, torch.Tensor]


class ConversionError(Exception):
    """The wheel is not the one expected, or a converted network answers differently."""


@dataclass(frozen=True)
class Stage:
    """One network of the cascade: convolutions, at most one dense layer, then its heads.

    `pools` holds, for each convolution, the kernel of the max pooling after it (stride 2, the last
    window may hang over the edge), or 0 for none. The first head scores, the second corrects the
    box, the third, where there is one, places the five landmarks. A stage without a dense layer
    is fully convolutional: it answers for every cell of a picture of any size.
    """

    name: str
    title: str
    cell: int
    pools: tuple[int, ...]
    heads: tuple[str, ...]
    dense: str = ""


STAGES = (
    Stage("pnet", "P-Net", 12, (2, 0, 0), ("conv4_1", "conv4_2")),
    Stage("rnet", "R-Net", 24, (3, 3, 0), ("dense5_1", "dense5_2"), "4"),
    Stage("onet", "O-Net", 48, (3, 3, 2, 0), ("dense6_1", "dense6_2", "dense6_3"), "5"),
)


def read_wheel(wheel: Path) -> tuple[dict[str, Weights], str]:
    """The state dict of each stage by the stage's name, and the text of the licence.

    Raises `ConversionError` for a file that is no such wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            licence = next(name for name in archive.namelist() if "/LICENSE" in name)
            states = {
                stage.name: torch.load(
                    io.BytesIO(archive.read(f"{PACKAGE}/data/{stage.name}.pt")),
                    map_location="cpu",
                    weights_only=True,
                )
                for stage in STAGES
            }
            return states, archive.read(licence).decode()
    except (OSError, KeyError, StopIteration, RuntimeError, zipfile.BadZipFile) as error:
        raise ConversionError(f"{wheel.name} is not a wheel of {PACKAGE}: {error}") from error


def reference(stage: Stage, weights: Weights, pixels: NDArray[np.uint8]) -> list[torch.Tensor]:
    """What the stage answers in PyTorch, the wheel's tensors used as they are.

    `pixels` uint8 [N, H, W, 3], blue-green-red. Score [N, ...], box [N, ..., 4], landmarks
    [N, 5, 2]; the dots are the rows and columns of cells for P-Net and nothing for the others.
    """
    rgb = torch.from_numpy(np.ascontiguousarray(pixels[..., ::-1])).permute(0, 3, 1, 2)
    x = (rgb.float() - 127.5) / 128
    for number, pool in enumerate(stage.pools, start=1):
        x = functional.conv2d(x, weights[f"conv{number}.weight"], weights[f"conv{number}.bias"])
        x = functional.prelu(x, weights[f"prelu{number}.weight"])
        if pool:
            x = functional.max_pool2d(x, pool, stride=2, ceil_mode=True)
    if not stage.dense:
        score, box = (
            functional.conv2d(x, weights[f"{head}.weight"], weights[f"{head}.bias"])
            for head in stage.heads
        )
        return [score.softmax(1)[:, 1], box.permute(0, 2, 3, 1)]
    # The weights come from Matlab, whose columns run fastest: the dense layer counts x, y, channel.
    x = x.permute(0, 3, 2, 1).flatten(1)
    name = f"dense{stage.dense}"
    x = functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
    x = functional.prelu(x, weights[f"prelu{stage.dense}.weight"])
    score, *rest = (
        functional.linear(x, weights[f"{head}.weight"], weights[f"{head}.bias"])
        for head in stage.heads
    )
    answers = [score.softmax(1)[:, 1], rest[0]]
    # Five x, then five y.
    return answers + [points.reshape(-1, 2, 5).permute(0, 2, 1) for points in rest[1:]]


@dataclass
class Graph:
    """An ONNX graph in the making: `value` is the name of the last node's output."""

    weights: Weights
    value: str = "pixels"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, array: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *others: str, output: str = "", **attributes: Any) -> str:
        """Adds a node that takes the last value, then `others`."""
        inputs = [self.value, *others]
        self.value = output or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [self.value], **attributes))
        return self.value

    def layer(self, name: str, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """A convolution or, where the weight is a matrix, a dense layer."""
        names = (
            self.constant(f"{name}.weight", weight.numpy()),
            self.constant(f"{name}.bias", bias.numpy()),
        )
        if weight.ndim == 2:
            self.node("Gemm", *names, transB=1)
        else:
            self.node("Conv", *names)

    def prelu(self, name: str, axes: int) -> None:
        """slope x + (1 - slope) relu(x), over channels that have `axes` axes after them.

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
        self.node(kind, self.constant(name, np.array(value, np.float32)))


def convert(stage: Stage, weights: Weights) -> onnx.ModelProto:
    """The stage as a graph from uint8 [N, H, W, 3], blue-green-red, to what `reference` gives.

    Scaling, colour order and softmax are in the graph, so that whoever runs it cuts and resizes
    pictures and nothing else.
    """
    graph = Graph(weights)
    graph.node("Cast", to=TensorProto.FLOAT)
    graph.scalar("Sub", "middle", 127.5)
    graph.scalar("Div", "range", 128)
    graph.node("Transpose", perm=[0, 3, 1, 2])
    for number, pool in enumerate(stage.pools, start=1):
        weight, bias = weights[f"conv{number}.weight"], weights[f"conv{number}.bias"]
        # The first layer's red, green and blue change places instead of every picture's.
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
            # Of (no face, face) only their difference matters: a softmax of two is its sigmoid.
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
    cells: list[str | int] = [] if stage.dense else ["rows", "columns"]
    side: list[str | int] = [stage.cell] * 2 if stage.dense else ["height", "width"]
    outputs: dict[str, list[str | int]] = {"score": ["n", *cells], "box": ["n", *cells, 4]}
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
        producer_name="model_export.faces",
    )
    helper.set_model_props(
        model,
        {
            "title": f"MTCNN {stage.title}",
            "licence": "MIT",
            "copyright": "Copyright (c) 2019 Timothy Esler",
            "source": f"{PACKAGE}/data/{stage.name}.pt of the PyPI package facenet-pytorch 2.6.0",
            "paper": "Zhang et al., IEEE Signal Processing Letters 23(10), 2016",
        },
    )
    return model


def check(stage: Stage, weights: Weights, model: onnx.ModelProto) -> float:
    """The largest difference of the graph's answers to PyTorch's, over random pictures.

    Raises `ConversionError` where it is above 1e-5.
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
        raise ConversionError(f"{stage.title} differs from PyTorch by {worst:.1e}")
    return worst


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m model_export.faces", description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="a folder")
    options = parser.parse_args(arguments)
    try:
        states, licence = read_wheel(options.wheel)
        models = {stage: convert(stage, states[stage.name]) for stage in STAGES}
        for stage, model in models.items():
            difference = check(stage, states[stage.name], model)
            print(f"{stage.title}: within {difference:.1e} of PyTorch")
    except ConversionError as error:
        print(error, file=sys.stderr)
        return 2
    options.output.mkdir(parents=True, exist_ok=True)
    for stage, model in models.items():
        onnx.save(model, options.output / f"{stage.name}.onnx")
    (options.output / "LICENSE").write_text(licence)
    return 0


if __name__ == "__main__":
    sys.exit(main())
