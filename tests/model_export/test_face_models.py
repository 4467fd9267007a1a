"""The conversion of MediaPipe's face detector and face mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from off_tanet.recognition.onnx_session import Session, open_session
from off_tanet.types import Pixels
from off_tanet_export.errors import ExportError

from tests.support import factories
from tests.support.paths import ROOT

pytest.importorskip("tflite", reason="the conversion needs the package tflite")

from off_tanet_export.face_models.export import check, convert_wheel, main
from off_tanet_export.face_models.graph import Graph
from off_tanet_export.face_models.models import (
    MODELS,
    FaceModel,
    anchor_centres,
    convert,
)
from off_tanet_export.face_models.reference import (
    Values,
    graph_outputs,
    network_input,
    probability,
    run,
)
from off_tanet_export.face_models.tflite_reader import Network, Operator, read_network
from off_tanet_export.face_models.trunk import Trunk
from off_tanet_export.face_models.wheel import VERSION, read_wheel

from tests.support import mediapipe_wheel

FOLDER = ROOT / "service/off_tanet/assets/face"
NAMES = [model.name for model in MODELS]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, downloaded without its dependencies and never installed."""
    folder = tmp_path_factory.mktemp("wheel")
    path = mediapipe_wheel.download(folder)
    if path is None:
        pytest.skip(f"pip cannot download the wheel of mediapipe {VERSION} here")
    return path


@pytest.fixture(scope="module")
def originals(wheel: Path) -> dict[str, bytes]:
    """The `.tflite` files by the names of the models."""
    data, _ = read_wheel(wheel, [model.source for model in MODELS])
    return dict(zip(NAMES, data, strict=True))


def session_of(model: onnx.ModelProto, folder: Path) -> Session:
    onnx.save(model, folder / "model.onnx")
    return open_session(folder / "model.onnx")


class NetworkBuilder:
    """A network of random weights; its input is tensor 0, of 8 x 8 pixels."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.operators: dict[int, Operator] = {}
        self.constants: dict[int, NDArray[Any]] = {}
        self.shapes: dict[int, tuple[int, ...]] = {0: (1, 8, 8, 3)}

    def constant(self, array: NDArray[Any]) -> int:
        number = 100 + len(self.constants)
        self.constants[number] = array
        return number

    def weights(self, *shape: int) -> tuple[int, int]:
        """A kernel in TFLite's order, and a bias."""
        scale = np.sqrt(np.prod(shape[1:]))
        kernel = (self.random.normal(0, 1, shape) / scale).astype(np.float32)
        bias = self.random.normal(0, 1, shape[0] if shape[0] > 1 else shape[-1])
        return self.constant(kernel), self.constant(bias.astype(np.float32))

    def slopes(self, channels: int) -> int:
        values = self.random.uniform(-1.5, 1.5, (1, 1, channels))
        return self.constant(values.astype(np.float32))

    def add(
        self,
        kind: str,
        *inputs: int,
        side: int,
        width: int,
        stride: int = 1,
        kernel: int = 1,
        pads: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> int:
        number = len(self.shapes)
        self.operators[number] = Operator(kind, inputs, number, stride, kernel, pads)
        self.shapes[number] = (1, side, side, width)
        return number

    def network(self, output: int) -> Network:
        return Network(self.operators, self.constants, self.shapes, 0, (output,))


def small_network(seed: int) -> Network:
    """The kinds of layers of the mesh: two blocks, the second with half the rows and columns."""
    net, end = NetworkBuilder(seed), (0, 0, 1, 1)
    first = net.add("CONV_2D", 0, *net.weights(12, 3, 3, 3), side=4, width=12, stride=2, pads=end)
    bent = net.add("PRELU", first, net.slopes(12), side=4, width=12)
    spread = net.add(
        "DEPTHWISE_CONV_2D", bent, *net.weights(1, 3, 3, 12), side=4, width=12, pads=(1, 1, 1, 1)
    )
    mixed = net.add("CONV_2D", spread, *net.weights(12, 1, 1, 12), side=4, width=12)
    total = net.add("ADD", bent, mixed, side=4, width=12)
    bent = net.add("PRELU", total, net.slopes(12), side=4, width=12)
    spread = net.add(
        "DEPTHWISE_CONV_2D", bent, *net.weights(1, 3, 3, 12), side=2, width=12, stride=2, pads=end
    )
    pooled = net.add("MAX_POOL_2D", bent, side=2, width=12, stride=2, kernel=2)
    mixed = net.add("CONV_2D", spread, *net.weights(20, 1, 1, 12), side=2, width=20)
    amounts = net.constant(np.array([[0, 0], [0, 0], [0, 0], [0, 8]]))
    padded = net.add("PAD", pooled, amounts, side=2, width=20)
    return net.network(net.add("ADD", padded, mixed, side=2, width=20))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("centred", [False, True])
def test_rewritten_layers_compute_the_same(seed: int, centred: bool, tmp_path: Path) -> None:
    """Slopes above 1 and below 0, pads on one side, a residual that is padded with channels."""
    network, graph = small_network(seed), Graph()
    value = Trunk(network, graph, centred).feature_map(network.outputs[0])
    graph.node("Identity", value.name, output="result")
    model = graph.model("small", 8, {"result": [value.width, 2, 2]}, {})
    pixels = np.random.default_rng(seed).integers(0, 256, (2, 8, 8, 3), np.uint8)
    (answer,) = session_of(model, tmp_path).run(None, {"pixels": pixels})
    assert not answer[:, value.channels :].any()
    for picture, ours in zip(pixels, answer, strict=True):
        rgb = picture[None, ..., ::-1].astype(np.float32)
        (theirs,) = run(network, rgb / 127.5 - 1 if centred else rgb / 255)
        np.testing.assert_allclose(ours[: value.channels].transpose(1, 2, 0), theirs[0], atol=2e-6)


def test_anchors_are_the_centres_of_cells() -> None:
    """Two anchors in each of 2 x 2 cells."""
    assert anchor_centres(2, 2).tolist() == [
        [0.25, 0.25], [0.25, 0.25], [0.75, 0.25], [0.75, 0.25],
        [0.25, 0.75], [0.25, 0.75], [0.75, 0.75], [0.75, 0.75],
    ]  # fmt: skip


def test_the_committed_files_are_what_the_wheel_gives(wheel: Path, tmp_path: Path) -> None:
    """Byte for byte, after the check against PyTorch."""
    convert_wheel(wheel, tmp_path)
    committed = [path for path in FOLDER.iterdir() if path.name != "average.npy"]
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in committed}
    for path in committed:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def pictures(side: int) -> Pixels:
    """Noise, the portrait, its face, and shirt and background without a face."""
    portrait = factories.portrait()
    views = [portrait, portrait[30:240, 120:330], portrait[300:, 200:412]]
    noise = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8)
    resized = [cv2.resize(view, (side, side), interpolation=cv2.INTER_AREA) for view in views]
    return np.concatenate([noise, np.stack(resized).astype(np.uint8)])


def lite_outputs(content: bytes, values: Values) -> list[Values]:
    """The outputs of LiteRT, in the order of the file."""
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed")
    interpreter = litert.Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(it["index"]) for it in interpreter.get_output_details()]


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_committed_file_answers_as_litert(model: FaceModel, originals: dict[str, bytes]) -> None:
    """Within 1e-4 of a probability and of the picture's side, on noise and on photographs."""
    network = read_network(originals[model.name])
    session = open_session(FOLDER / f"{model.name}.onnx")
    names = ["landmarks", "presence"] if model.name == "mesh" else ["detections"]
    for picture in pictures(network.side):
        raw = lite_outputs(originals[model.name], network_input(model, picture[None]))
        answers = session.run(names, {"pixels": picture[None]})
        for name, ours in zip(names, answers, strict=True):
            if name == "detections":
                ours[..., 0] = probability(ours[..., 0])
            theirs = graph_outputs(model, network, raw)[name]
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4, err_msg=name)


def test_a_changed_weight_is_noticed(originals: dict[str, bytes], tmp_path: Path) -> None:
    """The check must be able to fail."""
    model = MODELS[-1]
    network = read_network(originals[model.name])
    converted = convert(model, network)
    bias = next(it for it in converted.graph.initializer if it.name.endswith("bias"))
    values = onnx.numpy_helper.to_array(bias) + np.float32(0.5)
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
    onnx.save(converted, tmp_path / "changed.onnx")
    with pytest.raises(ExportError, match=model.title):
        check(model, network, tmp_path / "changed.onnx")


def test_another_file_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged download, or another version: nothing is written."""
    wrong = tmp_path / "mediapipe.whl"
    wrong.write_bytes(b"not a wheel")
    assert main(["--wheel", str(wrong), "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_wheel_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commonest mistake is a wrong path."""
    missing = str(tmp_path / "gone.whl")
    assert main(["--wheel", missing, "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
