"""The three models: where each comes from, and the conversion of its outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from off_tanet_export.face_models.graph import Array, Graph, Shape
from off_tanet_export.face_models.tflite_reader import Network, Operator
from off_tanet_export.face_models.trunk import FeatureMap, Trunk, aligned, widened
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
    weight, bias = trunk.weights(operator)
    value = trunk.feature_map(operator.inputs[0])
    return _layer(trunk, value, operator, weight, bias, len(bias)).name


def _layer(
    trunk: Trunk, value: FeatureMap, operator: Operator, weight: Array, bias: Array, width: int
) -> FeatureMap:
    """The operator with other weights, and with its channels widened to `width`."""
    depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    if depthwise:
        weight = widened(weight, width) * value.signs[:, None, None, None]
    else:
        weight = widened(weight, width, value.width) * value.signs[:, None, None]
    name = trunk.graph.convolution(
        value.name,
        weight,
        widened(bias, width),
        strides=[operator.stride] * 2,
        pads=trunk.source(operator)[1],
        group=width if depthwise else 1,
    )
    return FeatureMap(name, len(bias), np.ones(width, np.float32))


@dataclass(frozen=True)
class Branch:
    """The layers between the trunk and an output of a detector, for one size of anchors.

    Attributes:
        layers: A dense convolution; in the full-range detector, a depthwise one after it.
        block: Rows and columns of anchors that a cell's channels hold (TFLite's DEPTH_TO_SPACE).
        cells: Rows and columns of cells.
    """

    layers: tuple[Operator, ...]
    block: int
    cells: int


def branches(network: Network, tensor: int) -> list[Branch]:
    """The branches whose answers an output of a detector holds, one after the other."""
    operator = network.operators[tensor]
    if operator.kind == "CONCATENATION":
        return [branch for number in operator.inputs for branch in branches(network, number)]
    layers: list[Operator] = []
    block, cells = 1, 0
    while not layers or layers[0].kind != "CONV_2D":
        after, before = operator.output, operator.inputs[0]
        if operator.kind == "DEPTH_TO_SPACE":
            block = network.shapes[after][1] // network.shapes[before][1]
        elif operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            layers.insert(0, operator)
            cells = cells or network.shapes[after][1]
        operator = network.operators[before]
    return [Branch(tuple(layers), block, cells)]


def add_detections(trunk: Trunk) -> dict[str, Shape]:
    """Detections [N, anchors, 17], the anchors' centres added.

    Scores and places are computed by one convolution, 17 channels for each anchor of a cell. The
    anchors are in the order of the cells (row by row), then of the rows and columns in a cell's
    block, then of the anchors in one place.
    """
    graph, network = trunk.graph, trunk.network
    places, scores = network.outputs
    parts, centres = [], []
    for score, place in zip(branches(network, scores), branches(network, places), strict=True):
        parts.append(_cells(trunk, score, place))
        count = len(trunk.weights(score.layers[-1])[1]) // score.block**2
        centres.append(anchor_centres(score.cells, score.block, count))
    value = parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1)
    offsets = np.concatenate(centres)
    table = np.zeros((len(offsets), NUMBERS), np.float32)
    table[:, 1:3] = offsets
    table[:, 5:] = np.tile(offsets, 6)
    graph.node("Add", value, graph.constant("anchors", table), output="detections")
    return {"detections": [len(offsets), NUMBERS]}


def _cells(trunk: Trunk, score: Branch, place: Branch) -> str:
    """One branch's answers, [N, anchors, 17], without the anchors' centres."""
    graph, last = trunk.graph, score.layers[-1]
    value = trunk.feature_map(score.layers[0].inputs[0])
    for scoring, placing in zip(score.layers, place.layers, strict=True):
        # Pixels become units of the picture's side in the last layer, which is linear.
        unit = trunk.network.side if scoring is last else 1
        weight, bias = (
            _interleaved(ours, theirs / unit)
            for ours, theirs in zip(trunk.weights(scoring), trunk.weights(placing), strict=True)
        )
        width = len(bias) if len(score.layers) == 1 else aligned(len(bias))
        value = _layer(trunk, value, scoring, weight, bias, width)
    name = graph.node("Transpose", value.name, perm=[0, 2, 3, 1])
    if value.width > value.channels:
        ends = [
            graph.constant(f"{key}_{len(graph.nodes)}", np.array([number], np.int64))
            for key, number in (("start", 0), ("end", value.channels), ("axis", 3))
        ]
        name = graph.node("Slice", name, *ends)
    return graph.node("Reshape", name, graph.shape(0, -1, NUMBERS))


def _interleaved(scores: Array, places: Array) -> Array:
    """Arrays of 1 and of 16 rows for each anchor as one of 17 rows for each."""
    rest = scores.shape[1:]
    places = places.reshape(len(scores), NUMBERS - 1, *rest)
    return np.concatenate([scores[:, None], places], axis=1).reshape(-1, *rest)


def anchor_centres(cells: int, block: int, count: int) -> NDArray[np.float64]:
    """x, y of the anchors' centres, [cells² · block² · count, 2], in units of the picture's side.

    Args:
        cells: Rows and columns of cells.
        block: Rows and columns of anchors in a cell.
        count: Anchors in one place.
    """
    axis = ((np.arange(cells * block) + 0.5) / (cells * block)).reshape(cells, block)
    shape = (cells, cells, block, block)
    columns = np.broadcast_to(axis[None, :, None, :], shape)
    rows = np.broadcast_to(axis[:, None, :, None], shape)
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
        "detector_full_range",
        "MediaPipe BlazeFace, full range, sparse",
        Source(
            "face_detection/face_detection_full_range_sparse.tflite",
            "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        ),
        "https://mediapipe.page.link/blazeface-back-sparse-mc",
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
