"""How a graph's weights are stored: as they are, as half-precision numbers, or as bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from reverie.engine.torch_networks import ZERO
from reverie.export.quiet import quiet

SMALL = 1024
"""Tensors with fewer numbers stay float32: they weigh nothing."""
LEVELS = 127
"""A weight in bytes has a level from minus this to this."""


def round_to_half(*networks: nn.Module, exact: Collection[str] = ()) -> None:
    """Round the weights that `store_small` will store, so that torch and ONNX compute with the very same numbers.

    exact: parts of the networks, by the first word of a weight's name, that stay as they are.
    """
    for network in networks:
        for name, tensor in network.state_dict().items():
            if name.split(".")[0] not in exact and tensor.is_floating_point() and tensor.numel() >= SMALL:
                tensor.copy_(tensor.half().float())


def round_to_bytes(network: nn.Module, exact: Collection[str] = ()) -> None:
    """Round large weights to 255 levels a row, so that `store_bytes` and `quantize_int8` store them without loss.

    A row is what belongs to one entry of the first axis: an output, a code, a kernel. Of experts (experts, features,
    out) it is what belongs to one output of one of them. exact: see `round_to_half`.
    """
    for name, tensor in network.state_dict().items():
        large = tensor.is_floating_point() and tensor.ndim > 1 and tensor.numel() >= SMALL
        if large and name.split(".")[0] not in exact:
            axes = (1,) if tensor.ndim == 3 else tuple(range(1, tensor.ndim))
            scale = tensor.abs().amax(axes, keepdim=True).clamp(min=1e-12) / LEVELS
            tensor.copy_((tensor / scale).round() * scale)


def smallest(array: NDArray[np.generic]) -> type[np.int8] | type[np.float16] | None:
    """The smallest kind of number that holds the very same values, bytes or halves; None where neither does."""
    for kind in (np.int8, np.float16):
        with np.errstate(over="ignore", invalid="ignore"):
            if (array.astype(kind).astype(array.dtype) == array).all():
                return kind
    return None


def store_small(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large float32 weights that a smaller number holds without loss become that, with a Cast behind them.

    Halves, and for the pictures of patches, which are whole numbers, bytes. ONNX Runtime folds the Cast when it loads
    the graph: a part of the file, the speed and arithmetic of float32.
    """
    graph = model.graph
    casts = []
    for initializer in graph.initializer:
        if initializer.data_type != TensorProto.FLOAT:
            continue
        array = numpy_helper.to_array(initializer)
        if array.size < SMALL or (kind := smallest(array)) is None:
            continue
        name = initializer.name
        initializer.CopyFrom(numpy_helper.from_array(array.astype(kind), f"{name}.small"))
        casts.append(helper.make_node("Cast", [f"{name}.small"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def store_bytes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large weights that `round_to_bytes` has rounded become bytes, with what makes numbers of them behind.

    ONNX Runtime folds that when it loads the graph: a quarter of the file, the speed and arithmetic of float32.
    """
    graph = model.graph
    nodes = []
    for initializer in list(graph.initializer):
        if initializer.data_type != TensorProto.FLOAT:
            continue
        array = numpy_helper.to_array(initializer)
        if array.size < SMALL or smallest(array) or (parts := as_bytes(array)) is None:
            continue
        name = initializer.name
        stored, scale, zero = (f"{name}.{part}" for part in ("bytes", "scale", "zero"))
        initializer.CopyFrom(numpy_helper.from_array(parts[0], stored))
        graph.initializer.append(numpy_helper.from_array(parts[1], scale))
        graph.initializer.append(numpy_helper.from_array(np.array(ZERO, np.float32), zero))
        nodes.append(helper.make_node("Cast", [stored], [f"{name}.cast"], name=f"{name}.cast", to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Sub", [f"{name}.cast", zero], [f"{name}.level"], name=f"{name}.less"))
        nodes.append(helper.make_node("Mul", [f"{name}.level", scale], [name], name=f"{name}.times"))
    nodes += graph.node
    del graph.node[:]
    graph.node.extend(nodes)
    return store_small(model)


def as_bytes(array: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
    """Weights as bytes, ZERO being level 0, and a factor for each row, or for each column of a matrix.

    Of experts (experts, features, out) it is one for each output of each. None where none is so rounded.
    """
    if array.ndim < 2 or not np.isfinite(array).all():  # a mask may be infinite
        return None
    along_rows, along_columns = tuple(range(1, array.ndim)), (0,)
    for axis in ((1,),) if array.ndim == 3 else (along_rows, along_columns):
        scale = np.maximum(np.abs(array).max(axis, keepdims=True), 1e-12) / LEVELS
        levels = np.rint(array / scale)
        if np.abs(levels * scale - array).max() <= 1e-5 * np.abs(array).max():
            return (levels + ZERO).astype(np.uint8), scale.astype(np.float32)
    return None


def quantize_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights of matrix products become bytes, one scale a column; activations are quantised as they come.

    `store_bytes` is to follow, for what else is large.

    Activations share one scale over all positions, so that each position sees the others through it: nothing that must
    not look ahead may be computed so.

    The bytes have no sign: with signed ones, processors without instructions for such products (VNNI) add two of them
    up in 16 bits, which do not hold every such sum, and results are wrong by tenths.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, quiet():
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        quantize_dynamic(
            source, target, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, weight_type=QuantType.QInt8
        )
        quantized: onnx.ModelProto = onnx.load(target)
    return _without_sign(quantized)


def _without_sign(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same products of int8 weights, which are stored with ZERO added to each and to what stands for zero."""
    signed = {name for node in model.graph.node if node.op_type == "MatMulInteger" for name in node.input[1::2]}
    for initializer in model.graph.initializer:
        if initializer.name in signed and initializer.data_type == TensorProto.INT8:
            raised = numpy_helper.to_array(initializer).astype(np.int16) + ZERO
            initializer.CopyFrom(numpy_helper.from_array(raised.astype(np.uint8), initializer.name))
    return model


def count_parameters(*networks: nn.Module) -> int:
    """Numbers in all networks, buffers that are saved included."""
    return sum(t.numel() for n in networks for t in n.state_dict().values() if torch.is_floating_point(t))
