"""One module becomes one ONNX graph with a dynamic batch axis, by way of `torch.export`.

The exporter on top of `torch.export` is used and not the tracing one: a tracer bakes the example's batch size into
whatever asks a tensor for its length and says nothing, and `torch.export` refuses to. Both give graphs that run at the
same speed in ONNX Runtime.
"""

from __future__ import annotations

import onnx
import torch
from torch import Tensor
from torch.export import ExportedProgram

from reverie.export.graph import Graph
from reverie.export.quiet import quiet

OPSET = 20
MAX_BATCH = 4096


def export_program(graph: Graph, example: tuple[Tensor, ...]) -> ExportedProgram:
    """The graph as a torch program whose batch axis is free. example: inputs at a batch of 2 or more."""
    batch = torch.export.Dim("batch", min=1, max=MAX_BATCH)
    with torch.no_grad(), quiet():
        return torch.export.export(graph.module, example, dynamic_shapes=tuple({0: batch} for _ in example))


def to_onnx(graph: Graph, program: ExportedProgram) -> onnx.ModelProto:
    """The program as an ONNX model with the graph's input and output names."""
    with quiet():
        exported = torch.onnx.export(
            program,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            opset_version=OPSET,
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    assert exported is not None
    model: onnx.ModelProto = exported.model_proto
    for node in (*model.graph.node, *model.graph.value_info):
        # Notes on where in the source each node came from: they would double a small graph and name our folders.
        node.doc_string = ""
        del node.metadata_props[:]
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    return model
