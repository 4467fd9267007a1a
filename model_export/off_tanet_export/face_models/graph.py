"""An ONNX graph under construction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
SMALLEST_HALF = 64
"""Elements from which a constant is stored as float16; a Cast node costs about 100 bytes."""

Array = NDArray[Any]
Shape = list[str | int]


@dataclass
class Graph:
    """Nodes and constants, in the order in which they were added."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output, which is the node's name too."""
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, array: Array) -> str:
        """Add a constant; float64 becomes float32.

        A float32 array that float16 represents exactly is stored as float16 with a Cast, which ONNX
        Runtime folds when it loads the file. MediaPipe's weights are float16, so this halves the
        files and changes no value.
        """
        array = np.ascontiguousarray(array)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        half = array.astype(np.float16) if array.dtype == np.float32 else array
        if array.size < SMALLEST_HALF or half.dtype == array.dtype or np.any(half != array):
            self.constants.append(numpy_helper.from_array(array, name))
            return name
        self.constants.append(numpy_helper.from_array(half, f"{name}.float16"))
        return self.node("Cast", f"{name}.float16", output=name, to=TensorProto.FLOAT)

    def shape(self, *sizes: int) -> str:
        """Add the shape for a Reshape, in which 0 keeps a size and -1 is inferred."""
        return self.constant(f"shape_{len(self.nodes)}", np.array(sizes, np.int64))

    def convolution(self, value: str, weight: Array, bias: Array, **attributes: Any) -> str:
        """Add a convolution with weights [out, in, rows, columns] and a bias [out]."""
        name = f"conv_{len(self.nodes)}"
        inputs = (
            self.constant(f"{name}.weight", weight),
            self.constant(f"{name}.bias", bias),
        )
        return self.node("Conv", value, *inputs, output=name, **attributes)

    def model(
        self, name: str, side: int, outputs: dict[str, Shape], metadata: dict[str, str]
    ) -> onnx.ModelProto:
        """The graph as a model with the input `pixels`, uint8 [N, side, side, 3]."""
        pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", side, side, 3])
        model = helper.make_model(
            helper.make_graph(
                self.nodes,
                name,
                [pixels],
                [
                    helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", *shape])
                    for output, shape in outputs.items()
                ],
                self.constants,
            ),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="off_tanet_export",
        )
        helper.set_model_props(model, metadata)
        return model
