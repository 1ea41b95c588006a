"""Whether an ONNX file may be opened: its operators, its sizes, its inputs and outputs, and the files that it reads.

ONNX Runtime runs whatever a graph says, and a graph can say loops that never end and tensors that no memory holds. So
a bundle's graphs are checked first, as data, and ONNX Runtime sees those alone that are what `export` writes.
"""

from __future__ import annotations

from pathlib import Path

from reverie.engine.errors import BundleError
from reverie.engine.graph_file import End, GraphError, GraphFile, parse_graph
from reverie.engine.graph_shapes import Known, infer
from reverie.engine.manifest import BATCH, DATA, GraphSpec, TensorSpec
from reverie.reading import read_regular, why

OPSETS = range(13, 24)
MOST_NODES = 5_000
"""Operators, and likewise initializers."""
MOST_TENSOR_BYTES = 256 << 20
"""Of one tensor that is computed for one trajectory."""
MOST_BYTES = 768 << 20
"""Of all tensors together, those of the weights included."""
MOST_WORK = 1 << 33
"""Multiplications in one run for one trajectory: about a second on one core."""


def check_graph(folder: Path, spec: GraphSpec) -> None:
    """Raise BundleError where a graph of a bundle may not be opened, or is not what its manifest says.

    folder: of the bundle. spec: what the manifest says of the graph.
    """
    file = folder / spec.file
    try:
        graph = parse_graph(read_regular(file, DATA[".onnx"]))
        _check(graph, spec)
        _check_external(folder, graph)
    except GraphError as error:
        raise BundleError(f"{file} is not a graph that Reverie opens ({error}): export the bundle again") from None
    except OSError as error:
        raise BundleError(f"{file} cannot be read ({why(error)}): check it") from None


def _check(graph: GraphFile, spec: GraphSpec) -> None:
    if graph.opset not in OPSETS:
        raise GraphError(f"its opset is {graph.opset}, and {OPSETS[0]} to {OPSETS[-1]} are known")
    if len(graph.nodes) > MOST_NODES or len(graph.initializers) > MOST_NODES:
        raise GraphError(f"it has more than {MOST_NODES:,} operators or initializers")
    _check_ends("input", graph.inputs, spec.inputs)
    _check_ends("output", graph.outputs, spec.outputs)
    cost = None
    for batch in (1, 2):
        known, grown = infer(graph, batch)
        _check_outputs(graph, known, spec, batch)
        if cost is None:
            cost = grown
            continue
        if grown.bytes > 2 * cost.bytes or grown.work > 2 * cost.work:
            raise GraphError("what it computes grows faster than the number of trajectories")
    assert cost is not None
    if cost.largest > MOST_TENSOR_BYTES or cost.bytes > MOST_BYTES:
        size = max(cost.largest, cost.bytes)
        raise GraphError(f"it computes tensors of {size >> 20:,} MB, and at most {MOST_BYTES >> 20} are allowed")
    if cost.work > MOST_WORK:
        raise GraphError(f"it takes {cost.work:.0e} multiplications a frame, and at most {MOST_WORK:.0e} are allowed")


def _check_ends(what: str, ends: dict[str, End], wanted: dict[str, TensorSpec]) -> None:
    """The names and types are those of the manifest, and so are the shapes as far as the file says them."""
    for name in sorted(set(ends) ^ set(wanted)):
        raise GraphError(f"it has {'no' if name in wanted else 'an unknown'} {what} {name[:40]}")
    for name, spec in wanted.items():
        end = ends[name]
        if end.dtype != spec.type or not _fits(end.shape, spec.shape, what == "input"):
            shown = f"{end.dtype} of {list(end.shape) if end.shape is not None else 'no shape'}"
            raise GraphError(f"its {what} {name[:40]} is {shown}, not {spec.type} of {list(spec.shape)}")


def _fits(shape: tuple[int | str, ...] | None, wanted: tuple[int | str, ...], exactly: bool) -> bool:
    """Whether a shape in a file is the wanted one. exactly: only the batch axis is free; else a file may say less."""
    if shape is None or len(shape) != len(wanted):
        return shape is None and not exactly
    both = zip(shape, wanted, strict=True)
    return all(isinstance(a, str) if b == BATCH else a == b or (isinstance(a, str) and not exactly) for a, b in both)


def _check_outputs(graph: GraphFile, known: dict[str, Known], spec: GraphSpec, batch: int) -> None:
    """What it gives has the types and shapes of the manifest, and what it says of values in between is true."""
    for name, wanted in spec.outputs.items():
        if name not in known:
            raise GraphError(f"nothing gives its output {name[:40]}")
        shape = tuple(batch if size == BATCH else size for size in wanted.shape)
        given = known[name]
        if given.dtype != wanted.type or given.shape != shape:
            said = f"{wanted.type} of {list(shape)}"
            raise GraphError(f"its output {name[:40]} becomes {given.dtype} of {list(given.shape)}, not {said}")
    for name, end in graph.said.items():
        if name not in known or end.shape is None:
            continue
        given = known[name]
        true = given.dtype == end.dtype and len(given.shape) == len(end.shape)
        if not true or any(isinstance(a, int) and a != b for a, b in zip(end.shape, given.shape, strict=True)):
            raise GraphError(f"it says something else of {name[:40]} than it computes")


def _check_external(folder: Path, graph: GraphFile) -> None:
    """Weights outside of the graph stand in a file beside it, and in it as a whole."""
    for name, tensor in graph.initializers.items():
        if tensor.external is None:
            continue
        place = tensor.external
        data = folder / place.location
        plain = Path(place.location).name == place.location and not set(place.location) & set("\\:")
        if not plain or data.is_symlink() or not data.is_file():
            raise GraphError(f"the initializer {name[:40]} reads {place.location[:80]!r}, which is no file beside it")
        if place.offset + place.length > data.stat().st_size:
            raise GraphError(f"the initializer {name[:40]} ends behind the end of {place.location[:80]}")
