"""The layers of a TFLite network, rewritten so that ONNX Runtime runs them as fast as LiteRT.

ONNX Runtime's fast convolutions on a CPU (NCHWc) take blocks of 8 or 16 channels and fuse a
convolution with the Add and the Relu after it. A plain conversion leaves them at every depthwise
layer whose channels are no multiple of the block, every PRelu and every Pad. Here:

- feature maps are widened with zero channels to a multiple of 16;
- a residual that is padded with channels is added to the first channels only, and the others are
  concatenated (8% of the detector's time and 7% of the mesh's, against a multiplication by the
  padded identity matrix);
- PRelu becomes two depthwise 1 x 1 convolutions, see `Trunk.prelu`;
- Pads become attributes of the convolutions after them;
- the picture, whose rows hold blue, green, red, blue, ... is read as one channel three times as
  wide, so that the first layer needs no Transpose.

Measured on one core of an AMD EPYC 9004 (AVX-512) by `make bench-face-models`, the best of 300 runs
in ms (plain conversion, LiteRT): the mesh 0.98 (4.02, 1.16), the short-range detector 0.84 (1.19,
1.05). Dense convolutions are most of it and run at 100 GFLOP/s, which is near the core's limit.
Batches are no faster: a picture of 8 takes as long as one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from off_tanet_export.face_models.graph import Array, Graph
from off_tanet_export.face_models.tflite_reader import Network, Operator

BLOCK = 16
"""Channels of a block where the processor has AVX-512; 8 with AVX2."""


@dataclass(frozen=True)
class FeatureMap:
    """A value of the graph, [N, width, H, W].

    Attributes:
        name: In the graph.
        channels: The network's channels; the others, up to `width`, are zero.
        signs: [width], 1, or -1 for a channel that the graph holds with its sign changed.
    """

    name: str
    channels: int
    signs: NDArray[np.float32]

    @property
    def width(self) -> int:
        """Channels in the graph."""
        return len(self.signs)


def widened(array: Array, *sizes: int) -> Array:
    """The array with zeros after its first axes, up to `sizes`."""
    missing = [size - length for size, length in zip(sizes, array.shape, strict=False)]
    missing += [0] * (array.ndim - len(sizes))
    return np.pad(array, [(0, count) for count in missing])


def aligned(channels: int) -> int:
    """The channels, rounded up to whole blocks."""
    return -(-channels // BLOCK) * BLOCK


class Trunk:
    """Adds the operators that lead to a tensor to a graph, each once, when the tensor is asked for.

    Args:
        network: The layers.
        graph: Receives the nodes.
        centred: Whether the network takes pixels from -1 to 1; otherwise from 0 to 1.
    """

    def __init__(self, network: Network, graph: Graph, centred: bool) -> None:
        self.network = network
        self.graph = graph
        self.centred = centred
        self._maps: dict[int, FeatureMap] = {}
        self._converters: dict[str, Callable[[Operator], FeatureMap]] = {
            "CONV_2D": self.convolution,
            "DEPTHWISE_CONV_2D": self.depthwise,
            "PRELU": self.prelu,
            "ADD": self.add,
            "MAX_POOL_2D": self.max_pool,
        }

    def feature_map(self, tensor: int) -> FeatureMap:
        """The tensor's value in the graph."""
        if tensor not in self._maps:
            operator = self.network.operators[tensor]
            self._maps[tensor] = self._converters[operator.kind](operator)
        return self._maps[tensor]

    def weights(self, operator: Operator) -> tuple[Array, Array]:
        """A convolution's weights, [out, in or 1, rows, columns], and its bias, [out]."""
        weight, bias = (self.network.constants[number] for number in operator.inputs[1:3])
        order = (3, 0, 1, 2) if operator.kind == "DEPTHWISE_CONV_2D" else (0, 3, 1, 2)
        return weight.transpose(order), bias

    def source(self, operator: Operator) -> tuple[int, tuple[int, ...]]:
        """The tensor that a convolution reads, and its pads, with those of a PAD before it."""
        before = self.network.operators.get(operator.inputs[0])
        if before is None or before.kind != "PAD":
            return operator.inputs[0], operator.pads
        (_, (top, bottom), (left, right), _) = self.network.constants[before.inputs[1]].tolist()
        return before.inputs[0], (top, left, bottom, right)

    def convolution(self, operator: Operator, residual: FeatureMap | None = None) -> FeatureMap:
        """A dense convolution, plus the residual where there is one."""
        tensor, pads = self.source(operator)
        if tensor == self.network.input:
            return self.first_convolution(operator, pads)
        weight, bias = self.weights(operator)
        before = self.feature_map(tensor)
        channels = len(bias)
        width = aligned(channels)
        signs = np.ones(width, np.float32)
        if residual is not None:
            signs[: residual.width] = residual.signs
        weight = widened(weight, width, before.width) * before.signs[:, None, None]
        weight, bias = weight * signs[:, None, None, None], widened(bias, width) * signs
        edges = {0, width} if residual is None else {0, residual.width, width}
        parts = []
        for start, end in pairwise(sorted(edges)):
            part = slice(start, end)
            name = self.graph.convolution(
                before.name, weight[part], bias[part], strides=[operator.stride] * 2, pads=pads
            )
            if residual is not None and start == 0:
                name = self.graph.node("Add", name, residual.name)
            parts.append(self.activated(name, operator))
        name = parts[0] if len(parts) == 1 else self.graph.node("Concat", *parts, axis=1)
        return FeatureMap(name, channels, signs)

    def first_convolution(self, operator: Operator, pads: tuple[int, ...]) -> FeatureMap:
        """The convolution of the picture, with the scaling of its pixels.

        The scale is part of the weights. 127.5 is subtracted before, because the network's zeros
        around a picture from -1 to 1 are 127.5 in pixels.
        """
        weight, bias = (self.network.constants[number] for number in operator.inputs[1:3])
        channels, rows, columns, colours = weight.shape
        bgr = weight[..., ::-1].reshape(channels, 1, rows, columns * colours).astype(np.float64)
        value = self.graph.node("Cast", "pixels", to=1)
        if self.centred:
            value = self.graph.node(
                "Sub", value, self.graph.constant("middle", np.array(127.5, np.float32))
            )
        side = self.network.side
        value = self.graph.node("Reshape", value, self.graph.shape(0, 1, side, side * colours))
        top, left, bottom, right = pads
        width = aligned(channels)
        name = self.graph.convolution(
            value,
            widened(bgr / (127.5 if self.centred else 255), width),
            widened(bias, width),
            strides=[operator.stride, operator.stride * colours],
            pads=[top, left * colours, bottom, right * colours],
        )
        return FeatureMap(self.activated(name, operator), channels, np.ones(width, np.float32))

    def depthwise(self, operator: Operator) -> FeatureMap:
        """A convolution of each channel with a kernel of its own."""
        tensor, pads = self.source(operator)
        before = self.feature_map(tensor)
        weight, bias = self.weights(operator)
        name = self.graph.convolution(
            before.name,
            widened(weight, before.width) * before.signs[:, None, None, None],
            widened(bias, before.width),
            strides=[operator.stride] * 2,
            pads=pads,
            group=before.width,
        )
        ones = np.ones(before.width, np.float32)
        return FeatureMap(self.activated(name, operator), before.channels, ones)

    def prelu(self, operator: Operator) -> FeatureMap:
        """PRelu as a x + relu((1 - a) x), for a slope a up to 1.

        Both terms are depthwise 1 x 1 convolutions: one is fused with the Relu, the other with the
        Add. For a slope above 1, a x - relu((a - 1) x) is computed with its sign changed, and the
        layers that read the channel have their weights' sign changed.
        """
        before = self.feature_map(operator.inputs[0])
        slope = self.network.constants[operator.inputs[1]].reshape(-1)
        slope = np.append(slope, np.ones(before.width - before.channels, np.float32))
        signs = np.where(slope > 1, -1, 1).astype(np.float32)
        bent = self.graph.node("Relu", self.scaled(before, np.abs(1 - slope) * before.signs))
        straight = self.scaled(before, slope * signs * before.signs)
        return FeatureMap(self.graph.node("Add", straight, bent), before.channels, signs)

    def scaled(self, value: FeatureMap, factors: NDArray[np.float32]) -> str:
        """The value with each channel multiplied by its factor."""
        zeros = np.zeros(value.width, np.float32)
        weight = factors[:, None, None, None]
        return self.graph.convolution(value.name, weight, zeros, group=value.width)

    def positive(self, tensor: int) -> FeatureMap:
        """The tensor's value with no sign changed."""
        value = self.feature_map(tensor)
        if (value.signs > 0).all():
            return value
        name = self.scaled(value, value.signs)
        return FeatureMap(name, value.channels, np.abs(value.signs))

    def add(self, operator: Operator) -> FeatureMap:
        """The sum of two maps; of a convolution and a residual in the common case."""
        first, second = (self.network.operators[number] for number in operator.inputs)
        for layer, other in ((first, second), (second, first)):
            if layer.kind == "CONV_2D" and not layer.relu:
                tensor = other.inputs[0] if other.kind == "PAD" else other.output
                fused = Operator(**{**vars(layer), "relu": operator.relu})
                return self.convolution(fused, residual=self.feature_map(tensor))
        maps = [self.positive(number) for number in operator.inputs]
        name = self.graph.node("Add", *[value.name for value in maps])
        return FeatureMap(self.activated(name, operator), maps[0].channels, maps[0].signs)

    def max_pool(self, operator: Operator) -> FeatureMap:
        """The largest value of each window."""
        before = self.positive(operator.inputs[0])
        name = self.graph.node(
            "MaxPool",
            before.name,
            kernel_shape=[operator.kernel] * 2,
            strides=[operator.stride] * 2,
            pads=operator.pads,
        )
        return FeatureMap(name, before.channels, before.signs)

    def activated(self, name: str, operator: Operator) -> str:
        """The value, after a Relu where the operator has one."""
        return self.graph.node("Relu", name) if operator.relu else name
