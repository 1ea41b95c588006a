"""A graph is checked as data before ONNX Runtime opens it: what could run for ever or take all memory is refused."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reverie.engine import library
from reverie.engine.bundle import read_manifest
from reverie.engine.errors import BundleError
from reverie.engine.graph_check import check_graph
from reverie.engine.graph_file import TYPES, GraphError, parse_graph
from reverie.engine.graph_shapes import RULES, infer
from reverie.engine.manifest import GraphSpec, TensorSpec

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

SHIPPED = [(folder, spec) for folder in library.shipped().values() for spec in read_manifest(folder)[0].graphs.values()]
SIDE = 64
SPEC = GraphSpec(
    "decoder.onnx",
    {"tokens": TensorSpec("int64", ("B", 64))},
    {"frames": TensorSpec("float32", ("B", SIDE))},
)


def as_ours(value: Any) -> Any:
    """An attribute of the package onnx as `engine.graph_file` has it."""
    return value.decode() if isinstance(value, bytes) else tuple(value) if isinstance(value, list) else value


def node(operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> Any:
    return helper.make_node(operator, list(inputs), [output], **attributes)


def model(
    nodes: Sequence[Any], constants: dict[str, Any] | None = None, functions: Sequence[Any] = (), **graph: Any
) -> Any:
    """Tokens (B, 64) int64 to frames (B, 64) float32."""
    made = helper.make_graph(
        list(nodes),
        "decoder",
        graph.pop("inputs", [helper.make_tensor_value_info("tokens", TensorProto.INT64, ("B", 64))]),
        graph.pop("outputs", [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ("B", 64))]),
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
        **graph,
    )
    opsets = [helper.make_opsetid("", 20), *([helper.make_opsetid("own", 1)] if functions else [])]
    return helper.make_model(made, opset_imports=opsets, ir_version=10, functions=list(functions))


CAST = node("Cast", ["tokens"], "numbers", to=TensorProto.FLOAT)
PLAIN = [CAST, node("Cos", ["numbers"], "frames")]


def write(folder: Path, content: Any) -> None:
    data = content if isinstance(content, bytes) else content.SerializeToString()
    (folder / SPEC.file).write_bytes(data)


def refused(folder: Path, match: str, spec: GraphSpec = SPEC) -> None:
    """One sentence, at once, and without the memory that the graph asks for."""
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(BundleError, match=match) as error:
            check_graph(folder, spec)
        assert time.process_time() - began < 5
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(error.value)
    assert "decoder.onnx is not a graph that Reverie opens" in str(error.value)


@pytest.mark.parametrize(("folder", "spec"), SHIPPED, ids=[f"{f.name}-{s.file}" for f, s in SHIPPED])
def test_a_shipped_graph_is_read_as_the_package_onnx_reads_it(folder: Path, spec: GraphSpec) -> None:
    check_graph(folder, spec)
    data = (folder / spec.file).read_bytes()
    ours, theirs = parse_graph(data), onnx.load_from_string(data)
    assert ours.opset == theirs.opset_import[0].version
    assert [(n.operator, n.inputs, n.outputs) for n in ours.nodes] == [
        (n.op_type, tuple(n.input), tuple(n.output)) for n in theirs.graph.node
    ]
    for mine, other in zip(ours.nodes, theirs.graph.node, strict=True):
        values = {a.name: helper.get_attribute_value(a) for a in other.attribute}
        assert dict(mine.attributes) == {name: as_ours(value) for name, value in values.items()}
    assert {name: (x.dtype, x.shape) for name, x in ours.initializers.items()} == {
        x.name: (TYPES[x.data_type], tuple(x.dims)) for x in theirs.graph.initializer
    }
    for tensor in theirs.graph.initializer:
        mine = ours.initializers[tensor.name]
        if mine.value is not None:
            np.testing.assert_array_equal(mine.value, numpy_helper.to_array(tensor))
        place = {entry.key: entry.value for entry in tensor.external_data}
        assert (mine.external is None) == (not place)
        if mine.external is not None:
            assert (str(mine.external.offset), str(mine.external.length)) == (place["offset"], place["length"])


@pytest.mark.parametrize(("folder", "spec"), SHIPPED, ids=[f"{f.name}-{s.file}" for f, s in SHIPPED])
def test_the_shapes_of_a_shipped_graph_are_those_that_onnx_infers(folder: Path, spec: GraphSpec) -> None:
    theirs = onnx.load(folder / spec.file, load_external_data=False)
    for end in theirs.graph.input:
        end.type.tensor_type.shape.dim[0].dim_value = 3
    del theirs.graph.value_info[:]
    known, cost = infer(parse_graph((folder / spec.file).read_bytes()), 3)
    compared = 0
    for value in onnx.shape_inference.infer_shapes(theirs, data_prop=True).graph.value_info:
        shape = [dim.dim_value if dim.HasField("dim_value") else None for dim in value.type.tensor_type.shape.dim]
        if None not in shape:
            assert (known[value.name].shape, known[value.name].dtype) == (
                tuple(shape),
                TYPES[value.type.tensor_type.elem_type],
            ), value.name
            compared += 1
    assert compared > 0.5 * len(theirs.graph.node)
    assert cost.largest <= cost.bytes


def test_what_export_writes_and_no_more_is_allowed() -> None:
    used = {node.operator for folder, spec in SHIPPED for node in parse_graph((folder / spec.file).read_bytes()).nodes}
    assert used <= set(RULES)
    never = {"Loop", "If", "Scan", "SequenceMap", "ConstantOfShape", "Range", "Resize", "StringConcat", "NonZero"}
    assert not never & set(RULES)


def test_a_plain_graph_passes(tmp_path: Path) -> None:
    write(tmp_path, model(PLAIN))
    check_graph(tmp_path, SPEC)


def body(name: str, inner: Sequence[Any] = ()) -> Any:
    """A graph within a node, as a loop and a condition have it."""
    keep = helper.make_tensor_value_info("keep", TensorProto.BOOL, ())
    count = helper.make_tensor_value_info("count", TensorProto.INT64, ())
    go_on = helper.make_tensor_value_info("go_on", TensorProto.BOOL, ())
    return helper.make_graph([*inner, node("Not", ["keep"], "go_on")], name, [count, keep], [go_on])


def loop(times: int) -> Any:
    constants = {"times": np.int64(times), "yes": np.bool_(True)}
    return model([*PLAIN, node("Loop", ["times", "yes"], "", body=body("body"))], constants)


def nested_ifs(depth: int) -> Any:
    inner: list[Any] = []
    for level in range(depth):
        inner = [node("If", ["yes"], f"y{level}", then_branch=body("a", inner), else_branch=body("b", inner))]
    return model([*PLAIN, *inner], {"yes": np.bool_(True)})


def doubling_functions(count: int) -> Any:
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    functions = [helper.make_function("own", "f0", ["x"], ["y"], [node("Cos", ["x"], "y")], opset)]
    for number in range(1, count):
        calls = [
            helper.make_node(f"f{number - 1}", ["x"], ["a"], domain="own"),
            helper.make_node(f"f{number - 1}", ["a"], ["y"], domain="own"),
        ]
        functions.append(helper.make_function("own", f"f{number}", ["x"], ["y"], calls, opset))
    call = helper.make_node(f"f{count - 1}", ["numbers"], ["frames"], domain="own")
    return model([CAST, call], functions=functions)


def strings() -> Any:
    text = helper.make_tensor("text", TensorProto.STRING, [1], [b"a" * 1000])
    made = model([*PLAIN, node("StringConcat", ["text", "text"], "longer")])
    made.graph.initializer.append(text)
    return made


def doubled(times: int) -> Any:
    """Each operator gives twice as much as the one before."""
    parts = [node("Concat", [f"x{i}", f"x{i}"], f"x{i + 1}", axis=1) for i in range(times)]
    return model([CAST, node("Cos", ["numbers"], "x0"), *parts, node("Cos", ["numbers"], "frames")])


def big(size: int) -> dict[str, Any]:
    return {"size": np.array([size, size], np.int64), "one": np.ones((1, 1), np.float32)}


def outer(size: int) -> Any:
    column, row = np.ones((size, 1), np.float32), np.ones((1, size), np.float32)
    return model([*PLAIN, node("MatMul", ["column", "row"], "square")], {"column": column, "row": row})


def squared_batch() -> Any:
    ends = [node("Transpose", ["numbers"], "turned", perm=[1, 0]), node("MatMul", ["numbers", "turned"], "pairs")]
    return model([*PLAIN, *ends])


def spread(**attributes: Any) -> Any:
    weight = {"w": np.ones((1, 1, 1, 1), np.float32), "shape": np.array([1, 1, 8, 8], np.int64)}
    picture = node("Reshape", ["sum", "shape"], "picture")
    total = [node("ReduceSum", ["numbers", "axis"], "sum", keepdims=0)]
    weight["axis"] = np.array([0], np.int64)
    return model([*PLAIN, *total, picture, node("ConvTranspose", ["picture", "w"], "large", **attributes)], weight)


BOMBS: dict[str, tuple[Callable[[], Any], str]] = {
    "an endless loop": (lambda: loop(2**63 - 1), "the operator Loop"),
    "a loop of 2**62": (lambda: loop(2**62), "the operator Loop"),
    "nested conditions": (lambda: nested_ifs(12), "the operator If"),
    "functions that double 25 times": (lambda: doubling_functions(25), "unknown field 25|another domain"),
    "texts": (strings, "a type that none needs|unknown field 6"),
    "40,000 x 40,000 by ConstantOfShape": (
        lambda: model([node("ConstantOfShape", ["size"], "frames")], big(40_000)),
        "the operator 'ConstantOfShape'",
    ),
    "40,000 x 40,000 by Expand": (
        lambda: model([*PLAIN, node("Expand", ["one", "size"], "large")], big(40_000)),
        "it computes tensors of 6,103 MB",
    ),
    "40,000 x 40,000 by Tile": (
        lambda: model([*PLAIN, node("Tile", ["one", "size"], "large")], big(40_000)),
        "it computes tensors of 6,103 MB",
    ),
    "10**18 by Expand": (lambda: model([*PLAIN, node("Expand", ["one", "size"], "large")], big(10**9)), "MB"),
    "a picture of 40,000 x 40,000": (lambda: spread(strides=[5000, 5000]), "MB"),
    "a picture with an edge of 2**40": (lambda: spread(output_padding=[2**40, 0]), "MB"),
    "a range": (
        lambda: model([*PLAIN, node("Range", ["a", "b", "c"], "r")], {k: np.int64(2**40) for k in "abc"}),
        "the operator 'Range'",
    ),
    "a resize": (lambda: model([*PLAIN, node("Resize", ["numbers", "", "", "size"], "r")], big(2**30)), "'Resize'"),
    "doubling 30 times": (lambda: doubled(30), "MB"),
    "doubling 70 times": (lambda: doubled(70), "MB"),
    "4 GB from an outer product": (lambda: outer(32_768), "it computes tensors of 4,"),
    "batch times batch": (squared_batch, "grows faster than the number of trajectories"),
    "10,000 operators": (
        lambda: model([*PLAIN, *[node("Cos", ["numbers"], f"c{i}") for i in range(10_000)]]),
        "more than 5,000 operators",
    ),
    "a shape that data decides": (
        lambda: model([*PLAIN, node("Expand", ["one", "tokens"], "large")], big(1)),
        "a shape that is not known beforehand",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused(bomb: str, tmp_path: Path) -> None:
    build, match = BOMBS[bomb]
    write(tmp_path, build())
    refused(tmp_path, match)


def test_too_many_multiplications_are_refused(tmp_path: Path) -> None:
    square = {"square": np.ones((1500, 1500), np.float32)}
    steps = [node("MatMul", [f"m{i}" if i else "square", "square"], f"m{i + 1}") for i in range(4)]
    write(tmp_path, model([*PLAIN, *steps], square))
    refused(tmp_path, r"1e\+10 multiplications")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"inputs": [helper.make_tensor_value_info("codes", TensorProto.INT64, ("B", 64))]}, "unknown input codes"),
        ({"inputs": [helper.make_tensor_value_info("tokens", TensorProto.INT64, (1, 64))]}, "its input tokens is"),
        ({"inputs": [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ("B", 64))]}, "its input tokens is"),
        ({"inputs": [helper.make_tensor_value_info("tokens", TensorProto.INT64, None)]}, "its input tokens is"),
        ({"outputs": [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ("B", 65))]}, "its output frames is"),
        ({"outputs": []}, "no output frames"),
        (
            {"value_info": [helper.make_tensor_value_info("numbers", TensorProto.FLOAT, ("B", 2**40))]},
            "says something else of numbers",
        ),
    ],
)
def test_ends_that_are_not_those_of_the_manifest_are_refused(tmp_path: Path, changes: Any, match: str) -> None:
    write(tmp_path, model(PLAIN, **changes))
    refused(tmp_path, match)


def test_an_output_of_another_size_than_it_says_is_refused(tmp_path: Path) -> None:
    twice = node("Concat", ["numbers", "numbers"], "frames", axis=1)
    write(tmp_path, model([CAST, twice]))
    refused(tmp_path, r"its output frames becomes float32 of \[1, 128\], not float32 of \[1, 64\]")


def external(location: str, offset: int = 0, length: int = 256) -> Any:
    made = model([*PLAIN, node("Add", ["numbers", "weight"], "sum")], {"weight": np.zeros(64, np.float32)})
    tensor = made.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location, offset=offset, length=length)
    tensor.ClearField("raw_data")
    return made


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (external("../outside"), "which is no file beside it"),
        (external("/etc/passwd"), "which is no file beside it"),
        (external("C:\\weights"), "which is no file beside it"),
        (external(""), "which is no file beside it"),
        (external("link"), "which is no file beside it"),
        (external("missing"), "which is no file beside it"),
        (external("pipe"), "which is no file beside it"),
        (external("weights", offset=100), "ends behind the end of weights"),
        (external("weights", offset=2**62), "does not say where|behind the end"),
        (external("weights", length=2**40), "does not hold as many numbers"),
    ],
)
def test_data_from_elsewhere_is_refused(tmp_path: Path, content: Any, match: str) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (tmp_path / "outside").write_bytes(bytes(256))
    (folder / "weights").write_bytes(bytes(256))
    (folder / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "pipe")
    write(folder, content)
    refused(folder, match)
    write(folder, external("weights"))
    check_graph(folder, SPEC)


def test_a_tensor_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    made = model(PLAIN, {"weight": np.zeros(64, np.float32)})
    made.graph.initializer[0].dims[:] = [2**40]
    write(tmp_path, made)
    refused(tmp_path, "does not hold as many numbers as its shape says")


def test_a_field_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    # Protobuf joins both, and who reads the last one alone sees another graph.
    write(tmp_path, model(PLAIN).SerializeToString() + loop(5).SerializeToString())
    refused(tmp_path, "has a field twice|unknown field")


@pytest.mark.parametrize("size", [1, 20, 100])
def test_a_file_that_is_cut_short_or_is_none_is_refused(tmp_path: Path, size: int) -> None:
    write(tmp_path, model(PLAIN).SerializeToString()[:-size])
    refused(tmp_path, "is not a graph")
    write(tmp_path, b"\xff" * size)
    refused(tmp_path, "is not a graph")


def test_only_a_regular_file_of_some_size_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / SPEC.file)
    with pytest.raises(BundleError, match=r"decoder\.onnx cannot be read \(it is not a file\)"):
        check_graph(tmp_path, SPEC)
    (tmp_path / SPEC.file).unlink()
    with (tmp_path / SPEC.file).open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BundleError, match="larger than 256 MiB"):
        check_graph(tmp_path, SPEC)


def test_a_number_of_too_many_bytes_is_damage() -> None:
    with pytest.raises(GraphError, match="damaged"):
        parse_graph(b"\x08" + b"\xff" * 11)
