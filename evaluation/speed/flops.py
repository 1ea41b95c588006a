"""How much arithmetic a graph takes, counted from the shapes that its matrix products really have.

ONNX Runtime runs the graph once, unoptimised and with profiling on, and its record names every node with the shapes
of its inputs and outputs. So no ONNX library is needed, and nothing has to be inferred.
"""

from __future__ import annotations

import json
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

_PRODUCTS = {"MatMul", "MatMulInteger", "QLinearMatMul", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "FusedMatMul"}
_GEMMS = {"Gemm", "QGemm"}
_CONVOLUTIONS = {"Conv", "ConvInteger", "QLinearConv", "FusedConv"}
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


def gflop_of_graph(path: Path) -> float:
    """Billions of floating-point operations (a multiply and an add are two) of one run of the graph for a batch of one.

    Counts matrix products and convolutions, which is all but a few per cent. Raises ValueError for inputs it cannot
    make up.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        session.run(None, {node.name: _zeros(node, path) for node in session.get_inputs()})
        record = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return sum(_flop(event["args"]) for event in record if event.get("cat") == "Node" and _is_kernel(event)) / 1e9


def _is_kernel(event: dict[str, Any]) -> bool:
    return str(event.get("name", "")).endswith("_kernel_time")


def _zeros(node: Any, path: Path) -> np.ndarray[Any, Any]:
    if node.type not in _DTYPES:
        raise ValueError(f"{path.name} has an input {node.name} of type {node.type}, which no graph of a bundle has.")
    return np.zeros([size if isinstance(size, int) else 1 for size in node.shape], _DTYPES[node.type])


def _flop(args: dict[str, Any]) -> float:
    kind = args.get("op_name", "")
    inputs = [next(iter(shape.values())) for shape in args.get("input_type_shape", [])]
    outputs = [next(iter(shape.values())) for shape in args.get("output_type_shape", [])]
    if kind in _PRODUCTS:
        return 2.0 * prod(outputs[0]) * inputs[0][-1]
    if kind in _GEMMS:  # inputs may be transposed: the inner length is what A has beside the rows of the result
        return 2.0 * prod(outputs[0]) * (prod(inputs[0]) // outputs[0][0])
    if kind in _CONVOLUTIONS:
        weight = next(shape for shape in inputs[1:] if len(shape) > 2)
        return 2.0 * prod(outputs[0]) * prod(weight[1:])
    if kind == "ConvTranspose":
        return 2.0 * prod(inputs[0]) * prod(inputs[1][1:])
    return 0.0
