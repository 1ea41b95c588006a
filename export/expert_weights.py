"""Experts in bytes: a graph picks the bytes of one game's expert, and turns nothing but those into numbers.

A weight (experts, features, out) that is only looked up stays in bytes in memory too. What is picked is multiplied in
bytes as it is, or becomes floats after it was picked.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from reverie.engine.torch_networks import ZERO
from reverie.export.quantize import SMALL, as_bytes


def pick_bytes(model: onnx.ModelProto, multiply: bool) -> onnx.ModelProto:
    """Store the weights of experts that `round_to_bytes` has rounded as bytes. `model` is changed and returned.

    multiply: matrix products with them are computed in bytes, with activations quantised as they come; otherwise in
    float32.
    """
    graph = model.graph
    stacks = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    users: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    replaced: dict[str, list[NodeProto]] = {}  # what stands in a node's place, by its output
    for name, tensor in stacks.items():
        array = numpy_helper.to_array(tensor)
        looked_up = name in users and all(_picks(node, name) for node in users[name])
        if array.ndim != 3 or array.size < SMALL or not looked_up or (parts := as_bytes(array)) is None:
            continue
        tensor.CopyFrom(numpy_helper.from_array(parts[0], f"{name}.bytes"))
        graph.initializer.append(numpy_helper.from_array(parts[1], f"{name}.scale"))
        zeros = _zeros(graph)
        for pick in users[name]:
            out = pick.output[0]
            byte, scale = f"{out}.bytes", f"{out}.scale"
            products = [node for node in users[out] if node.op_type == "MatMul" and node.input[1] == out]
            replaced[out] = [
                helper.make_node("Gather", [f"{name}.bytes", pick.input[1]], [byte], name=f"{out}.pick", axis=0),
                helper.make_node("Gather", [f"{name}.scale", pick.input[1]], [scale], name=f"{out}.pick_scale", axis=0),
            ]
            if multiply and len(products) == len(users[out]):
                replaced |= {node.output[0]: list(_product(node, byte, scale, zeros[1])) for node in products}
            else:
                replaced[out] += _number(out, byte, scale, zeros[0])
    nodes = [new for node in graph.node for new in replaced.get(node.output[0], [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def _picks(node: NodeProto, name: str) -> bool:
    """Whether a node picks some of the experts of a weight."""
    axis = sum(attribute.i for attribute in node.attribute if attribute.name == "axis")
    return bool(node.op_type == "Gather" and node.input[0] == name and axis == 0)


def _zeros(graph: onnx.GraphProto) -> tuple[str, str]:
    """Names of the level that stands for 0, as a float and as a byte, in the graph from now on."""
    names = "experts.zero", "experts.zero_byte"
    if not any(tensor.name == names[0] for tensor in graph.initializer):
        values: tuple[NDArray[np.generic], ...] = (np.array(ZERO, np.float32), np.array(ZERO, np.uint8))
        graph.initializer.extend(map(numpy_helper.from_array, values, names))
    return names


def _number(out: str, byte: str, scale: str, zero: str) -> Iterator[NodeProto]:
    """Floats out of bytes."""
    yield helper.make_node("Cast", [byte], [f"{out}.cast"], name=f"{out}.cast", to=TensorProto.FLOAT)
    yield helper.make_node("Sub", [f"{out}.cast", zero], [f"{out}.level"], name=f"{out}.less")
    yield helper.make_node("Mul", [f"{out}.level", scale], [out], name=f"{out}.times")


def _product(node: NodeProto, byte: str, scale: str, zero: str) -> Iterator[NodeProto]:
    """A matrix product in bytes, written as ONNX Runtime knows it for one operation."""
    x, out = node.input[0], node.output[0]

    def own(*parts: str) -> list[str]:
        return [f"{out}.{part}" for part in parts]

    yield helper.make_node("DynamicQuantizeLinear", [x], own("x", "x_scale", "x_zero"), name=f"{out}.quantize")
    yield helper.make_node(
        "MatMulInteger", [f"{out}.x", byte, f"{out}.x_zero", zero], own("sum"), name=f"{out}.multiply"
    )
    yield helper.make_node("Cast", own("sum"), own("cast"), name=f"{out}.cast", to=TensorProto.FLOAT)
    yield helper.make_node("Mul", [f"{out}.x_scale", scale], own("scale"), name=f"{out}.scales")
    yield helper.make_node("Mul", own("cast", "scale"), [out], name=f"{out}.times")
