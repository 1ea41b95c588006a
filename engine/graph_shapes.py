"""What a graph will compute, worked out from shapes alone, before it is run: the size of every tensor, and the work.

Every operator that `export` writes has an entry in `RULES`, and no other operator is allowed. None of them repeats
anything or makes a shape out of what it computes, so that what a graph costs is known beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine.graph_file import MOST_AXES, MOST_VALUES, TYPES, GraphError, GraphFile, Node

Shape = tuple[int, ...]
MOST_LAID_OUT = 1 << 26
"""Numbers that a convolution lays out for one picture."""


@dataclass(frozen=True)
class Known:
    """What is known of a tensor beforehand. value: its numbers, where they say a shape; None for all others."""

    dtype: np.dtype[Any]
    shape: Shape
    value: NDArray[Any] | None = None

    @property
    def size(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Cost:
    """What one run of a graph takes at most. bytes: of all tensors together, weights included. largest: bytes of one.

    work: multiplications, or other steps where there are none.
    """

    bytes: int
    largest: int
    work: int


def infer(graph: GraphFile, batch: int) -> tuple[dict[str, Known], Cost]:
    """Every tensor of a graph by name, at a batch size, and what a run costs.

    Raises GraphError for an operator that is not allowed and for shapes that do not fit.
    """
    known = {name: Known(x.dtype, x.shape, x.value) for name, x in graph.initializers.items()}
    for name, end in graph.inputs.items():
        if name in known or end.shape is None:
            raise GraphError(f"its input {name[:40]} has no shape")
        known[name] = Known(end.dtype, tuple(batch if isinstance(size, str) else size for size in end.shape))
    total = sum(x.size * x.dtype.itemsize for x in known.values())
    largest, work = 0, 0
    for node in graph.nodes:
        rule = RULES.get(node.operator)
        if rule is None:
            raise GraphError(f"it uses the operator {node.operator[:40]!r}, which no export writes")
        for number, name in enumerate(node.inputs):
            if name not in known and (name or number == 0):
                raise GraphError(f"its operator {node.operator} takes {name[:40]!r}, which nothing gives")
        try:
            given, steps = rule(node, [known[name] if name else None for name in node.inputs])
        except GraphError:
            raise
        except (ValueError, IndexError, TypeError, KeyError, AttributeError, ZeroDivisionError, OverflowError):
            raise GraphError(f"its operator {node.operator} does not fit what it is given") from None
        if len(given) < len(node.outputs):
            raise GraphError(f"its operator {node.operator} has more outputs than there are")
        for name, tensor in zip(node.outputs, given, strict=False):
            if name in known or not name:
                raise GraphError(f"two of its operators give {name[:40]!r}")
            if len(tensor.shape) > MOST_AXES or min(tensor.shape, default=1) < 0:
                raise GraphError(f"its operator {node.operator} gives a tensor of a shape that there is not")
            known[name] = tensor
            size = tensor.size * tensor.dtype.itemsize
            total, largest, work = total + size, max(largest, size), work + max(steps, tensor.size)
    return known, Cost(total, largest, work)


Given = list[Known | None]
Result = tuple[list[Known], int]
Rule = Callable[[Node, Given], Result]


def _is(x: Known | None) -> Known:
    if x is None:
        raise GraphError("one of its operators lacks an input")
    return x


def _numbers(node: Node, x: Known | None) -> list[int]:
    """The numbers of an input that says a shape. Raises GraphError where they are only known once it runs."""
    if x is None or x.value is None or x.dtype.kind != "i" or len(x.shape) > 1:
        raise GraphError(f"its operator {node.operator} takes a shape that is not known beforehand")
    return [int(number) for number in x.value.ravel()]


def _axis(node: Node, rank: int, default: int = 0) -> int:
    axis = int(node.attributes.get("axis", default))
    if not -rank <= axis < rank:
        raise IndexError
    return axis % rank


def _broadcast(*shapes: Shape) -> Shape:
    rank = max(map(len, shapes))
    axes = zip(*((*[1] * (rank - len(shape)), *shape) for shape in shapes), strict=True)
    sizes = []
    for axis in axes:
        wider = {size for size in axis if size != 1}
        if len(wider) > 1:
            raise ValueError
        sizes.append(wider.pop() if wider else 1)
    return tuple(sizes)


def _same(node: Node, given: Given) -> Result:
    x = _is(given[0])
    return [Known(x.dtype, x.shape)], x.size


def _cast(node: Node, given: Given) -> Result:
    x, kind = _is(given[0]), TYPES[node.attributes["to"]]
    value = x.value.astype(kind) if x.value is not None and kind.kind == "i" else None
    return [Known(kind, x.shape, value)], x.size


COMPUTED: dict[str, Callable[..., Any]] = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}
"""Operators that shapes are computed with."""


def _elementwise(node: Node, given: Given) -> Result:
    inputs = [_is(x) for x in given]
    shape, values = _broadcast(*(x.shape for x in inputs)), [x.value for x in inputs]
    value = None
    if node.operator in COMPUTED and all(x is not None for x in values):
        value = COMPUTED[node.operator](*values)
    return [Known(inputs[0].dtype, shape, value)], math.prod(shape)


def _compare(node: Node, given: Given) -> Result:
    shape = _broadcast(*(_is(x).shape for x in given))
    return [Known(np.dtype("?"), shape)], math.prod(shape)


def _where(node: Node, given: Given) -> Result:
    shape = _broadcast(*(_is(x).shape for x in given))
    return [Known(_is(given[1]).dtype, shape)], math.prod(shape)


def _reduce(node: Node, given: Given) -> Result:
    x = _is(given[0])
    if node.operator == "ArgMax":
        axes, kind = [int(node.attributes.get("axis", 0))], np.dtype("i8")
    else:
        axes, kind = _numbers(node, given[1]) if len(given) > 1 and given[1] is not None else [], x.dtype
        if not axes and node.attributes.get("noop_with_empty_axes", 0):
            return _same(node, given)
    rank = len(x.shape)
    if any(not -rank <= axis < rank for axis in axes):
        raise IndexError
    gone = {axis % rank for axis in axes} if axes else set(range(rank))
    if node.attributes.get("keepdims", 1):
        return [Known(kind, tuple(1 if i in gone else size for i, size in enumerate(x.shape)))], x.size
    return [Known(kind, tuple(size for i, size in enumerate(x.shape) if i not in gone))], x.size


def _shape(node: Node, given: Given) -> Result:
    shape = _is(given[0]).shape
    shape = shape[node.attributes.get("start", 0) : node.attributes.get("end", len(shape))]
    return [Known(np.dtype("i8"), (len(shape),), np.array(shape, np.int64))], 1


def _reshape(node: Node, given: Given) -> Result:
    x, wanted = _is(given[0]), _numbers(node, given[1])
    if node.attributes.get("allowzero", 0) == 0:
        wanted = [x.shape[i] if size == 0 else size for i, size in enumerate(wanted)]
    if wanted.count(-1) == 1:
        rest = -math.prod(wanted)
        wanted[wanted.index(-1)] = x.size // rest
    if min(wanted, default=0) < 0 or math.prod(wanted) != x.size:
        raise ValueError
    value = None if x.value is None else x.value.reshape(wanted)
    return [Known(x.dtype, tuple(wanted), value)], 1


def _expand(node: Node, given: Given) -> Result:
    x = _is(given[0])
    wanted = _numbers(node, given[1])
    if min(wanted, default=0) < 0:
        raise ValueError
    return [Known(x.dtype, _broadcast(x.shape, tuple(wanted)))], 1


def _tile(node: Node, given: Given) -> Result:
    x = _is(given[0])
    return [Known(x.dtype, tuple(a * b for a, b in zip(x.shape, _numbers(node, given[1]), strict=True)))], 1


def _transpose(node: Node, given: Given) -> Result:
    x = _is(given[0])
    perm = node.attributes.get("perm", tuple(reversed(range(len(x.shape)))))
    if sorted(perm) != list(range(len(x.shape))):
        raise ValueError
    return [Known(x.dtype, tuple(x.shape[i] for i in perm))], x.size


def _squeeze(node: Node, given: Given) -> Result:
    x, axes = _is(given[0]), _numbers(node, given[1])
    if node.operator == "Unsqueeze":
        rank = len(x.shape) + len(axes)
        at = sorted(axis % rank for axis in axes)
        shape = list(x.shape)
        for axis in at:
            shape.insert(axis, 1)
    else:
        gone = {axis % len(x.shape) for axis in axes}
        if any(x.shape[axis] != 1 for axis in gone):
            raise ValueError
        shape = [size for i, size in enumerate(x.shape) if i not in gone]
    return [Known(x.dtype, tuple(shape), None if x.value is None else x.value.reshape(shape))], 1


def _concat(node: Node, given: Given) -> Result:
    parts = [_is(x) for x in given]
    axis = _axis(node, len(parts[0].shape))
    rest = {(*x.shape[:axis], *x.shape[axis + 1 :]) for x in parts}
    if len(rest) > 1:
        raise ValueError
    size = sum(x.shape[axis] for x in parts)
    values = [x.value for x in parts]
    shape = (*parts[0].shape[:axis], size, *parts[0].shape[axis + 1 :])
    few = all(x is not None for x in values) and math.prod(shape) <= MOST_VALUES
    return [Known(parts[0].dtype, shape, np.concatenate(values, axis) if few else None)], math.prod(shape)  # type: ignore[arg-type]


def _slice(node: Node, given: Given) -> Result:
    x = _is(given[0])
    starts, ends = (_numbers(node, given[i]) for i in (1, 2))
    axes = _numbers(node, given[3]) if len(given) > 3 and given[3] is not None else list(range(len(starts)))
    steps = _numbers(node, given[4]) if len(given) > 4 and given[4] is not None else [1] * len(starts)
    cut: list[slice] = [slice(None)] * len(x.shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 1:  # backwards, which no export writes
            raise ValueError
        cut[axis] = slice(start, end, step)
    shape = tuple(len(range(*each.indices(size))) for each, size in zip(cut, x.shape, strict=True))
    return [Known(x.dtype, shape, None if x.value is None else x.value[tuple(cut)])], math.prod(shape)


def _split(node: Node, given: Given) -> Result:
    x = _is(given[0])
    axis, count = _axis(node, len(x.shape)), len(node.outputs)
    if len(given) > 1 and given[1] is not None:
        sizes = _numbers(node, given[1])
    else:
        each = -(-x.shape[axis] // count)
        sizes = [each] * (count - 1) + [x.shape[axis] - each * (count - 1)]
    if sum(sizes) != x.shape[axis]:
        raise ValueError
    return [Known(x.dtype, (*x.shape[:axis], size, *x.shape[axis + 1 :])) for size in sizes], x.size


def _gather(node: Node, given: Given) -> Result:
    x, index = _is(given[0]), _is(given[1])
    axis = _axis(node, len(x.shape))
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    value = None if x.value is None or index.value is None else np.take(x.value, index.value, axis)
    return [Known(x.dtype, shape, value)], math.prod(shape)


def _gather_nd(node: Node, given: Given) -> Result:
    x, index = _is(given[0]), _is(given[1])
    skipped = int(node.attributes.get("batch_dims", 0)) + index.shape[-1]
    if not 0 <= skipped <= len(x.shape):
        raise ValueError
    shape = (*index.shape[:-1], *x.shape[skipped:])
    return [Known(x.dtype, shape)], math.prod(shape)


def _matmul(node: Node, given: Given) -> Result:
    a, b = (_is(x) for x in given[:2])
    left, right = a.shape, b.shape
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
        raise ValueError
    shape = (*_broadcast(left[:-2], right[:-2]), left[-2], right[-1])
    kind = np.dtype("i4") if node.operator == "MatMulInteger" else a.dtype
    return [Known(kind, shape)], math.prod(shape) * left[-1]


def _gemm(node: Node, given: Given) -> Result:
    a, b = (_is(x) for x in given[:2])
    left = a.shape[::-1] if node.attributes.get("transA", 0) else a.shape
    right = b.shape[::-1] if node.attributes.get("transB", 0) else b.shape
    (rows, inner), (other, columns) = left, right
    if inner != other:
        raise ValueError
    return [Known(a.dtype, (rows, columns))], rows * columns * inner


def _einsum(node: Node, given: Given) -> Result:
    terms, _, out = str(node.attributes["equation"]).replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    inputs = [_is(x) for x in given]
    if len(inputs) > 2:  # which would be joined before anything is summed up
        raise ValueError
    for term, x in zip(terms.split(","), inputs, strict=True):
        if not term.isalpha() or len(set(term)) < len(term):
            raise ValueError
        for letter, size in zip(term, x.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise ValueError
    if not set(out) <= set(sizes) or len(set(out)) < len(out):
        raise ValueError
    return [Known(inputs[0].dtype, tuple(sizes[letter] for letter in out))], math.prod(sizes.values())


def _windows(node: Node, kernel: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """How often a window fits along each axis."""
    if node.attributes.get("auto_pad", "NOTSET") != "NOTSET" or node.attributes.get("ceil_mode", 0):
        raise ValueError
    n = len(kernel)
    strides, dilations = (node.attributes.get(name, (1,) * n) for name in ("strides", "dilations"))
    pads = node.attributes.get("pads", (0,) * 2 * n)
    if min(*strides, *dilations) < 1 or min(pads) < 0 or len(pads) != 2 * n:
        raise ValueError
    padded = [size + pads[i] + pads[n + i] for i, size in enumerate(sizes)]
    return [
        (size - (k - 1) * dilation - 1) // stride + 1
        for size, k, dilation, stride in zip(padded, kernel, dilations, strides, strict=True)
    ]


def _conv(node: Node, given: Given) -> Result:
    x, w = (_is(each) for each in given[:2])
    group = int(node.attributes.get("group", 1))
    (batch, channels, *sizes), (out, inner, *kernel) = x.shape, w.shape
    if channels != inner * group or out % group or tuple(node.attributes.get("kernel_shape", kernel)) != tuple(kernel):
        raise ValueError
    windows = _windows(node, kernel, sizes)
    # A convolution may lay out every window beside the others before it multiplies.
    if math.prod(windows) * inner * math.prod(kernel) > MOST_LAID_OUT:
        raise GraphError("its operator Conv takes too much memory")
    return [Known(x.dtype, (batch, out, *windows))], batch * out * math.prod(windows) * inner * math.prod(kernel)


def _conv_transpose(node: Node, given: Given) -> Result:
    x, w = (_is(each) for each in given[:2])
    said, n = node.attributes, len(w.shape) - 2
    (batch, channels, *sizes), (inner, out, *kernel) = x.shape, w.shape
    strides, dilations = (said.get(name, (1,) * n) for name in ("strides", "dilations"))
    further, pads = said.get("output_padding", (0,) * n), said.get("pads", (0,) * 2 * n)
    if said.get("auto_pad", "NOTSET") != "NOTSET" or "output_shape" in said or channels != inner or len(pads) != 2 * n:
        raise ValueError
    if min(*strides, *dilations) < 1 or min(*pads, *further) < 0:
        raise ValueError
    spread = zip(sizes, strides, further, kernel, dilations, pads[:n], pads[n:], strict=True)
    across = [s * (size - 1) + f + (k - 1) * d + 1 - a - b for size, s, f, k, d, a, b in spread]
    shape = (batch, out * int(said.get("group", 1)), *across)
    return [Known(x.dtype, shape)], x.size * out * math.prod(kernel)


def _pool(node: Node, given: Given) -> Result:
    x = _is(given[0])
    kernel = node.attributes["kernel_shape"]
    shape = (*x.shape[:2], *_windows(node, kernel, x.shape[2:]))
    return [Known(x.dtype, shape)], math.prod(shape) * math.prod(kernel)


def _depth_to_space(node: Node, given: Given) -> Result:
    x, edge = _is(given[0]), int(node.attributes["blocksize"])
    batch, channels, height, width = x.shape
    if edge < 1 or channels % edge**2:
        raise ValueError
    return [Known(x.dtype, (batch, channels // edge**2, height * edge, width * edge))], x.size


def _dynamic_quantize(node: Node, given: Given) -> Result:
    x = _is(given[0])
    byte = np.dtype("u1")
    return [Known(byte, x.shape), Known(x.dtype, ()), Known(byte, ())], x.size


_RULES: dict[Rule, tuple[str, ...]] = {
    _same: ("Clip", "Cos", "Gelu", "LayerNormalization", "Relu", "Round", "Sigmoid", "Sin", "Softmax"),
    _cast: ("Cast",),
    _elementwise: ("Add", "Sub", "Mul", "Div", "Pow"),
    _compare: ("Greater", "Less", "Equal", "GreaterOrEqual", "LessOrEqual"),
    _where: ("Where",),
    _reduce: ("ArgMax", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum"),
    _shape: ("Shape",),
    _reshape: ("Reshape",),
    _expand: ("Expand",),
    _tile: ("Tile",),
    _transpose: ("Transpose",),
    _squeeze: ("Squeeze", "Unsqueeze"),
    _concat: ("Concat",),
    _slice: ("Slice",),
    _split: ("Split",),
    _gather: ("Gather",),
    _gather_nd: ("GatherND",),
    _matmul: ("MatMul", "MatMulInteger"),
    _gemm: ("Gemm",),
    _einsum: ("Einsum",),
    _conv: ("Conv",),
    _conv_transpose: ("ConvTranspose",),
    _pool: ("AveragePool",),
    _depth_to_space: ("DepthToSpace",),
    _dynamic_quantize: ("DynamicQuantizeLinear",),
}
RULES: dict[str, Rule] = {operator: rule for rule, operators in _RULES.items() for operator in operators}
"""The operators that are allowed: from a node and what is known of its inputs to what it gives, and the work."""
