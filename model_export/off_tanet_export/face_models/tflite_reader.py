"""A `.tflite` file as operators and float32 constants, through the schema in package `tflite`.

Constants that the file stores as float16 behind DEQUANTIZE are read as float32 arrays; a RELU
becomes a property of the operator before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

Shape = tuple[int, ...]
Array = NDArray[Any]

KINDS = {code: kind for kind, code in vars(tflite.BuiltinOperator).items() if kind.isupper()}
DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
OPTIONS = {
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "MAX_POOL_2D": tflite.Pool2DOptions,
    "ADD": tflite.AddOptions,
}


@dataclass(frozen=True)
class Operator:
    """One step of the network.

    Attributes:
        kind: TFLite's name, such as `CONV_2D`.
        inputs: Tensors by number; constants are among them.
        output: The tensor that it computes.
        stride: In pixels, the same for both axes.
        kernel: The window's side, in pixels.
        pads: Pixels of zeros at the top, left, bottom and right.
        relu: Whether max(x, 0) is applied to the result.
    """

    kind: str
    inputs: Shape
    output: int
    stride: int = 1
    kernel: int = 1
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    relu: bool = False


@dataclass(frozen=True)
class Network:
    """The operators in the order in which they run, by the number of the tensor they compute."""

    operators: dict[int, Operator]
    constants: dict[int, Array]
    shapes: dict[int, Shape]
    input: int
    outputs: Shape

    @property
    def side(self) -> int:
        """Rows and columns of the input picture."""
        return self.shapes[self.input][1]


def read_network(data: bytes) -> Network:
    """Read the only subgraph of a `.tflite` file."""
    model = tflite.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(number) for number in range(graph.TensorsLength())]
    shapes = {number: _shape(tensor) for number, tensor in enumerate(tensors)}
    constants: dict[int, Array] = {}
    for number, tensor in enumerate(tensors):
        buffer = model.Buffers(tensor.Buffer())
        if buffer.DataLength():
            values = buffer.DataAsNumpy().view(DTYPES[tensor.Type()])
            constants[number] = values.reshape(shapes[number])
    operators: dict[int, Operator] = {}
    for index in range(graph.OperatorsLength()):
        source = graph.Operators(index)
        code = model.OperatorCodes(source.OpcodeIndex())
        kind = KINDS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs, output = tuple(map(int, source.InputsAsNumpy())), int(source.Outputs(0))
        if kind == "DEQUANTIZE":
            constants[output] = constants[inputs[0]].astype(np.float32)
        elif kind == "RELU":
            operators[output] = replace(operators.pop(inputs[0]), output=output, relu=True)
        else:
            operator = Operator(kind, inputs, output)
            operators[output] = _with_options(source, operator, constants, shapes)
    outputs = tuple(int(number) for number in graph.OutputsAsNumpy())
    return Network(operators, constants, shapes, int(graph.Inputs(0)), outputs)


def _shape(tensor: Any) -> Shape:
    return tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))


def _with_options(
    source: Any, operator: Operator, constants: dict[int, Array], shapes: dict[int, Shape]
) -> Operator:
    """The operator with its stride, window, pads and activation, where its kind has such."""
    if operator.kind not in OPTIONS:
        return operator
    options = OPTIONS[operator.kind]()
    table = source.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    relu = options.FusedActivationFunction() == tflite.ActivationFunctionType.RELU
    if operator.kind == "ADD":
        return replace(operator, relu=relu)
    is_pool = operator.kind == "MAX_POOL_2D"
    kernel = options.FilterHeight() if is_pool else constants[operator.inputs[1]].shape[1]
    stride = options.StrideH()
    pads = (0, 0, 0, 0)
    if options.Padding() == tflite.Padding.SAME:
        before, after = shapes[operator.inputs[0]][1], shapes[operator.output][1]
        total = max((after - 1) * stride + kernel - before, 0)
        pads = (total // 2, total // 2, total - total // 2, total - total // 2)
    return replace(operator, stride=stride, kernel=kernel, pads=pads, relu=relu)
