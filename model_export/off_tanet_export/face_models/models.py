"""The two models: where each comes from, and the conversion of its outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from off_tanet_export.face_models.graph import Array, Graph, Shape
from off_tanet_export.face_models.tflite_reader import Network, Operator
from off_tanet_export.face_models.trunk import Trunk, widened
from off_tanet_export.face_models.wheel import VERSION, Source

NUMBERS = 17
"""Of a detection: the score, the box's centre and size, six points."""
DETECTIONS = (
    "detections float32 [N, anchors, 17], in units of the picture's side, from its top left "
    "corner: 0 the score's logit; 1 to 4 the box's centre x, y, width and height; 5 to 16 x, y of "
    "the right eye, the left eye, the tip of the nose, the middle of the mouth, the right and the "
    "left tragion, right and left as the person has them. Overlapping boxes are not suppressed."
)
LANDMARKS = (
    "landmarks float32 [N, 468, 3], x, y, z in units of the picture's side, x and y from its top "
    "left corner, z relative to the head's centre and smaller when nearer to the camera; presence "
    "float32 [N], the probability that the picture shows a face"
)


@dataclass(frozen=True)
class FaceModel:
    """A model in the wheel, and the ONNX file that is made of it.

    Attributes:
        name: The ONNX file's, without its suffix.
        title: The model's.
        source: The `.tflite` file.
        card: The address of Google's model card.
        paper: Where the model is described.
        outputs: What the ONNX file computes.
        centred: Whether the network takes pixels from -1 to 1; otherwise from 0 to 1.
        add_outputs: Adds the layers after the trunk to its graph; returns the outputs' shapes.
    """

    name: str
    title: str
    source: Source
    card: str
    paper: str
    outputs: str
    centred: bool
    add_outputs: Callable[[Trunk], dict[str, Shape]]


def convert(model: FaceModel, network: Network) -> onnx.ModelProto:
    """The network as an ONNX model."""
    graph = Graph()
    outputs = model.add_outputs(Trunk(network, graph, model.centred))
    side = network.side
    metadata = {
        "title": model.title,
        "licence": "Apache-2.0",
        "copyright": "Copyright The MediaPipe Authors (Google LLC)",
        "source": f"mediapipe/modules/{model.source.path} in the wheel of mediapipe {VERSION}",
        "model_card": model.card,
        "paper": model.paper,
        "changes": "converted from TFLite; layers rewritten for ONNX Runtime, weights unchanged",
        "input": f"pixels uint8 [N, {side}, {side}, 3]: pictures, blue-green-red",
        "outputs": model.outputs,
    }
    return graph.model(model.name, side, outputs, metadata)


def add_mesh(trunk: Trunk) -> dict[str, Shape]:
    """Landmarks in units of the picture's side, and the presence as a probability."""
    graph = trunk.graph
    points, presence = (_head(trunk, tensor) for tensor in trunk.network.outputs)
    points = graph.node("Reshape", points, graph.shape(0, -1, 3))
    side = graph.constant("side", np.array(trunk.network.side, np.float32))
    graph.node("Div", points, side, output="landmarks")
    presence = graph.node("Reshape", presence, graph.shape(-1))
    graph.node("Sigmoid", presence, output="presence")
    count = trunk.network.shapes[trunk.network.outputs[0]][-1] // 3
    return {"landmarks": [count, 3], "presence": []}


def _head(trunk: Trunk, tensor: int) -> str:
    """The convolution that computes an output of the network."""
    operator = trunk.network.operators[tensor]
    return _convolution(trunk, operator, *trunk.weights(operator))


def _convolution(trunk: Trunk, operator: Operator, weight: Array, bias: Array) -> str:
    """The operator with other weights; its channels are not widened."""
    value = trunk.feature_map(operator.inputs[0])
    return trunk.graph.convolution(
        value.name,
        widened(weight, len(bias), value.width) * value.signs[:, None, None],
        bias,
        strides=[operator.stride] * 2,
        pads=trunk.source(operator)[1],
        group=1,
    )


@dataclass(frozen=True)
class Branch:
    """The convolution from the trunk to an output of the detector, for one size of anchors.

    Attributes:
        layer: The convolution.
        cells: Rows and columns of cells.
    """

    layer: Operator
    cells: int


def branches(network: Network, tensor: int) -> list[Branch]:
    """The branches whose answers an output of a detector holds, one after the other."""
    operator = network.operators[tensor]
    if operator.kind == "CONCATENATION":
        return [branch for number in operator.inputs for branch in branches(network, number)]
    while operator.kind != "CONV_2D":
        operator = network.operators[operator.inputs[0]]
    return [Branch(operator, network.shapes[operator.output][1])]


def add_detections(trunk: Trunk) -> dict[str, Shape]:
    """Detections [N, anchors, 17], the anchors' centres added.

    Scores and places are computed by one convolution, 17 channels for each anchor of a cell. The
    anchors are in the order of the cells (row by row), then of the anchors in a cell.
    """
    graph, network = trunk.graph, trunk.network
    places, scores = network.outputs
    parts, centres = [], []
    for score, place in zip(branches(network, scores), branches(network, places), strict=True):
        parts.append(_cells(trunk, score, place))
        centres.append(anchor_centres(score.cells, len(trunk.weights(score.layer)[1])))
    value = graph.node("Concat", *parts, axis=1)
    offsets = np.concatenate(centres)
    table = np.zeros((len(offsets), NUMBERS), np.float32)
    table[:, 1:3] = offsets
    table[:, 5:] = np.tile(offsets, 6)
    graph.node("Add", value, graph.constant("anchors", table), output="detections")
    return {"detections": [len(offsets), NUMBERS]}


def _cells(trunk: Trunk, score: Branch, place: Branch) -> str:
    """One branch's answers, [N, anchors, 17], without the anchors' centres."""
    graph = trunk.graph
    # Pixels become units of the picture's side: the layer is linear.
    weight, bias = (
        _interleaved(ours, theirs / trunk.network.side)
        for ours, theirs in zip(trunk.weights(score.layer), trunk.weights(place.layer), strict=True)
    )
    name = _convolution(trunk, score.layer, weight, bias)
    name = graph.node("Transpose", name, perm=[0, 2, 3, 1])
    return graph.node("Reshape", name, graph.shape(0, -1, NUMBERS))


def _interleaved(scores: Array, places: Array) -> Array:
    """Arrays of 1 and of 16 rows for each anchor as one of 17 rows for each."""
    rest = scores.shape[1:]
    places = places.reshape(len(scores), NUMBERS - 1, *rest)
    return np.concatenate([scores[:, None], places], axis=1).reshape(-1, *rest)


def anchor_centres(cells: int, count: int) -> NDArray[np.float64]:
    """x, y of the anchors' centres, [cells² · count, 2], in units of the picture's side.

    Args:
        cells: Rows and columns of cells.
        count: Anchors in a cell.
    """
    axis = (np.arange(cells) + 0.5) / cells
    columns, rows = np.meshgrid(axis, axis)
    return np.repeat(np.stack([columns.ravel(), rows.ravel()], axis=1), count, axis=0)


BLAZEFACE = (
    "Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, "
    "arXiv:1907.05047"
)
FACE_MESH = (
    "Kartynnik et al., Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs, "
    "arXiv:1907.06724"
)
MODELS = (
    FaceModel(
        "detector_short_range",
        "MediaPipe BlazeFace, short range",
        Source(
            "face_detection/face_detection_short_range.tflite",
            "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        ),
        "https://mediapipe.page.link/blazeface-mc",
        BLAZEFACE,
        DETECTIONS,
        centred=True,
        add_outputs=add_detections,
    ),
    FaceModel(
        "mesh",
        "MediaPipe Face Mesh",
        Source(
            "face_landmark/face_landmark.tflite",
            "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        ),
        "https://mediapipe.page.link/facemesh-mc",
        FACE_MESH,
        LANDMARKS,
        centred=False,
        add_outputs=add_mesh,
    ),
)
