"""The face detector and the mesh on one core: the committed files, plain conversions, LiteRT.

    taskset -c 0 python -m tests.benchmarks.bench_face_models

Needs `tflite`, `ai_edge_litert` and the wheel of mediapipe, which pip downloads. Prints medians and
minima of the process's processor time; the three alternate, so that a load on the machine slows all
of them. "Plain" is one ONNX node for each TFLite operator.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from off_tanet.recognition.onnx_session import open_session
from off_tanet.types import Pixels
from off_tanet_export.face_models.graph import Graph
from off_tanet_export.face_models.models import MODELS, FaceModel
from off_tanet_export.face_models.reference import network_input
from off_tanet_export.face_models.tflite_reader import Network, Operator, read_network
from off_tanet_export.face_models.wheel import read_wheel
from onnx import TensorProto, helper

from tests.support import mediapipe_wheel
from tests.support.paths import ROOT

ASSETS = ROOT / "service/off_tanet/assets/face"
ROUNDS, RUNS = 60, 5

Run = Callable[[], object]


def plain(network: Network) -> onnx.ModelProto:
    """One ONNX node for each operator, float32 pixels [1, side, side, 3]."""
    graph = Graph()
    names = {network.input: graph.node("Transpose", "pixels", perm=[0, 3, 1, 2])}
    for operator in network.operators.values():
        names[operator.output] = _plain_node(graph, network, operator, names)
    side = network.side
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, side, side, 3])
    outputs = [
        helper.make_tensor_value_info(names[number], TensorProto.FLOAT, None)
        for number in network.outputs
    ]
    return helper.make_model(
        helper.make_graph(graph.nodes, "plain", [pixels], outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


def _plain_node(graph: Graph, network: Network, operator: Operator, names: dict[int, str]) -> str:
    maps = [names[number] for number in operator.inputs if number in names]
    constants = [network.constants[it] for it in operator.inputs if it in network.constants]
    value, number = maps[0], operator.output
    strides, pads = [operator.stride] * 2, operator.pads
    match operator.kind:
        case "CONV_2D":
            weight = constants[0].transpose(0, 3, 1, 2)
            name = graph.convolution(value, weight, constants[1], strides=strides, pads=pads)
        case "DEPTHWISE_CONV_2D":
            weight = constants[0].transpose(3, 0, 1, 2)
            groups = len(weight)
            name = graph.convolution(
                value, weight, constants[1], strides=strides, pads=pads, group=groups
            )
        case "MAX_POOL_2D":
            kernel = [operator.kernel] * 2
            name = graph.node("MaxPool", value, kernel_shape=kernel, strides=strides, pads=pads)
        case "PRELU":
            slope = graph.constant(f"slope_{number}", constants[0].reshape(-1, 1, 1))
            name = graph.node("PRelu", value, slope)
        case "PAD":
            amounts = constants[0][[0, 3, 1, 2]].T.ravel().astype(np.int64)
            name = graph.node("Pad", value, graph.constant(f"pads_{number}", amounts))
        case "RESHAPE":
            last = graph.node("Transpose", value, perm=[0, 2, 3, 1])
            name = graph.node("Reshape", last, graph.shape(*network.shapes[number]))
        case "CONCATENATION":
            name = graph.node("Concat", *maps, axis=1)
        case _:
            name = graph.node("Add", *maps)
    return graph.node("Relu", name) if operator.relu else name


def lite(content: bytes, values: NDArray[np.float32]) -> Run:
    """A run of LiteRT with one thread."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    first = interpreter.get_input_details()[0]["index"]
    outputs = [details["index"] for details in interpreter.get_output_details()]

    def run() -> object:
        interpreter.set_tensor(first, values)
        interpreter.invoke()
        return [interpreter.get_tensor(number) for number in outputs]

    return run


def onnx_run(path: Path, pixels: Pixels | NDArray[np.float32]) -> Run:
    """A run of ONNX Runtime with the service's options."""
    session = open_session(path)
    return lambda: session.run(None, {"pixels": pixels})


def milliseconds(runs: dict[str, Run]) -> dict[str, list[float]]:
    """Processor time of each run, in rounds that alternate; the first runs do not count."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(ROUNDS + 1):
        for name, run in runs.items():
            for _ in range(RUNS):
                start = time.process_time()
                run()
                if number:
                    times[name].append(1000 * (time.process_time() - start))
    return times


def compare(model: FaceModel, content: bytes, folder: Path) -> None:
    """Print one model's times, and their ratios to LiteRT's."""
    network = read_network(content)
    onnx.save(plain(network), folder / "plain.onnx")
    shape = (1, network.side, network.side, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    values = network_input(model, pixels)
    times = milliseconds(
        {
            "ours": onnx_run(ASSETS / f"{model.name}.onnx", pixels),
            "plain": onnx_run(folder / "plain.onnx", values),
            "LiteRT": lite(content, values),
        }
    )
    medians = {name: statistics.median(each) for name, each in times.items()}
    for name, each in times.items():
        ratio = medians[name] / medians["LiteRT"]
        print(f"{model.name:22}{name:8}{medians[name]:8.2f}{min(each):8.2f}{ratio:8.2f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = mediapipe_wheel.download(folder)
        if wheel is None:
            raise SystemExit("pip cannot download the wheel of mediapipe")
        contents, _ = read_wheel(wheel, [model.source for model in MODELS])
        print(f"{'':30}{'median':>8}{'min':>8}{'ratio':>8}   ms of one core")
        for model, content in zip(MODELS, contents, strict=True):
            compare(model, content, folder)


if __name__ == "__main__":
    main()
