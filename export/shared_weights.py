"""The ONNX graphs of a bundle read their weights out of the safetensors file that fills its networks.

A safetensors file is the length of a JSON header in 8 bytes, the header, and raw little-endian tensors one after the
other: exactly what ONNX calls external data. So the weights of both backends stand in a bundle once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from reverie.export.quantize import SMALL

DTYPES = {"F32": TensorProto.FLOAT, "F16": TensorProto.FLOAT16, "I8": TensorProto.INT8, "U8": TensorProto.UINT8}
"""safetensors' names of the number types that are shared."""


class SharedWeights:
    """The tensors of a safetensors file, found by what they hold: no exporter keeps all of torch's names."""

    def __init__(self, file: Path) -> None:
        """file: an existing safetensors file, in the folder that the graphs will be in."""
        self._file = file
        data = file.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        self._offsets: dict[tuple[int, bytes], int] = {}
        for name, tensor in json.loads(data[8:start]).items():
            if name != "__metadata__" and tensor["dtype"] in DTYPES:
                begin, end = (start + offset for offset in tensor["data_offsets"])
                self._offsets.setdefault((DTYPES[tensor["dtype"]], data[begin:end]), begin)

    def save(self, model: onnx.ModelProto, file: Path) -> None:
        """Write a graph to `file` whose large weights are references wherever the safetensors file holds those bytes.

        A weight that is held transposed, as torch holds a linear layer's, gets a Transpose behind it; ONNX Runtime
        folds it when it loads the graph. `model` is changed. What matches nothing stays inside the graph.
        """
        transposes = [node for tensor in model.graph.initializer for node in self._share(tensor)]
        nodes = [*transposes, *model.graph.node]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        onnx.save(model, file)
        onnx.checker.check_model(file)

    def _share(self, tensor: TensorProto) -> Iterable[onnx.NodeProto]:
        """Turn one initializer into a reference if it can be one. Returns the Transpose that it then needs, if any."""
        array = numpy_helper.to_array(tensor)
        if array.size < SMALL or self._refer(tensor, array):
            return []
        name = tensor.name
        if array.ndim != 2 or not self._refer(tensor, array.T):
            return []
        tensor.name = f"{name}.stored"
        return [helper.make_node("Transpose", [tensor.name], [name], name=f"{name}.transpose", perm=[1, 0])]

    def _refer(self, tensor: TensorProto, array: NDArray[np.generic]) -> bool:
        """Whether the file holds this array; if so `tensor` becomes a reference to it."""
        data = array.tobytes()  # in C order, also of a transposed view
        offset = self._offsets.get((tensor.data_type, data))
        if offset is None:
            return False
        reference = numpy_helper.from_array(np.ascontiguousarray(array), tensor.name)
        set_external_data(reference, self._file.name, offset=offset, length=len(data))
        reference.ClearField("raw_data")
        tensor.CopyFrom(reference)
        return True
