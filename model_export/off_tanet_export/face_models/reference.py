"""What a TFLite network computes, in PyTorch: one function call for each operator, no rewriting."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray

from off_tanet_export.face_models.models import FaceModel, branches
from off_tanet_export.face_models.tflite_reader import Network, Operator

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]


def network_input(model: FaceModel, pixels: Pixels) -> Values:
    """Pictures [N, H, W, 3], blue-green-red, as the TFLite network takes them."""
    rgb = pixels[..., ::-1].astype(np.float32)
    return rgb / np.float32(127.5) - 1 if model.centred else rgb / np.float32(255)


def run(network: Network, values: Values) -> list[Values]:
    """The network's outputs, each with the shape that the file states.

    Args:
        network: The layers.
        values: [1, H, W, 3], from `network_input`.
    """
    tensors = {number: torch.tensor(array) for number, array in network.constants.items()}
    tensors[network.input] = torch.tensor(values)
    for operator in network.operators.values():
        inputs = [tensors[number] for number in operator.inputs]
        result = _compute(operator, inputs, network.shapes[operator.output])
        tensors[operator.output] = result.relu() if operator.relu else result
    return [tensors[number].numpy() for number in network.outputs]


def _compute(
    operator: Operator, inputs: list[torch.Tensor], shape: tuple[int, ...]
) -> torch.Tensor:
    """One operator; channels are the last axis, as in TFLite."""
    x = inputs[0]
    top, left, bottom, right = operator.pads
    padded = functional.pad(x.movedim(-1, 1), (left, right, top, bottom)) if x.ndim == 4 else x
    match operator.kind:
        case "CONV_2D":
            result = functional.conv2d(padded, inputs[1].movedim(-1, 1), inputs[2], operator.stride)
        case "DEPTHWISE_CONV_2D":
            weight = inputs[1].permute(3, 0, 1, 2)
            result = functional.conv2d(
                padded, weight, inputs[2], operator.stride, groups=len(weight)
            )
        case "MAX_POOL_2D":
            result = functional.max_pool2d(padded, operator.kernel, operator.stride)
        case "PAD":
            return functional.pad(x, inputs[1].flip(0).flatten().tolist())
        case "RESHAPE":
            return x.reshape(shape)
        case "CONCATENATION":
            return torch.cat(inputs, 1)
        case "ADD":
            return x + inputs[1]
        case "PRELU":
            return torch.where(x > 0, x, x * inputs[1])
        case kind:
            raise ValueError(f"no reference for {kind}")
    return result.movedim(1, -1)


def graph_outputs(model: FaceModel, network: Network, raw: list[Values]) -> dict[str, Values]:
    """The outputs of the ONNX graph, from those of the TFLite network for one picture.

    The score of a detection is a probability here: its logit reaches -2500 on noise, where two
    orders of summation in float32 differ by 0.01.
    """
    if model.name == "mesh":
        points, presence = raw
        return {
            "landmarks": points.reshape(1, -1, 3) / np.float32(network.side),
            "presence": probability(presence.reshape(-1)),
        }
    places, scores = raw
    places = places / np.float32(network.side)
    first = 0
    for branch in branches(network, network.outputs[1]):
        count = network.shapes[branch.layer.output][-1]
        for index in range(branch.cells**2 * count):
            row, column = divmod(index // count, branch.cells)
            centre = np.array([column + 0.5, row + 0.5], np.float32) / branch.cells
            places[0, first + index, :2] += centre
            places[0, first + index, 4:] += np.tile(centre, 6)
        first += branch.cells**2 * count
    return {"detections": np.concatenate([probability(scores), places], axis=2)}


def probability(logit: Values) -> Values:
    """The logistic function, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logit)), np.float32)
