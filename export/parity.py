"""Does the exported graph compute what the network computes?"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.engine.runtime import Runtime
from reverie.engine.torch_runtime import TorchRuntime
from reverie.export.errors import ExportError
from reverie.export.graph import Graph

TOLERANCE = 1e-3
"""Largest difference of a real number, such as a hidden feature, a key or a value."""
INT8_TOLERANCE = 0.1
"""The same for byte weights, as the root mean square of the difference over that of the output."""
DIFFERENT = 0.01
"""Largest share of differing whole numbers, such as codes: two that lie close together may change places."""
LEVELS = 1.0
"""Largest difference of a pixel, which has 256 levels."""

Inputs = Callable[[str, int, torch.Generator], tuple[Tensor, ...]]
"""Random inputs of the graph of that name at a batch size."""


def check_parity(
    graphs: dict[str, Graph], runtime: Runtime | TorchRuntime, inputs: Inputs, in_bytes: Collection[str] = ()
) -> dict[str, float]:
    """Compare every graph with its module on random inputs, at batches 1 and 3.

    in_bytes: the graphs that compute in bytes. Returns the worst difference by graph: of real numbers the largest,
    or the relative one of a graph that computes in bytes; of whole numbers the share that differs; of pixels the
    largest in levels. Raises ExportError above the tolerance.
    """
    generator = torch.Generator().manual_seed(0)
    worst: dict[str, float] = {}
    for name, graph in graphs.items():
        worst[name] = 0.0
        for batch in (1, 3):
            given = inputs(name, batch, generator)
            with torch.no_grad():
                wanted = graph.module(*given)
            wanted = [wanted] if isinstance(wanted, Tensor) else list(wanted)
            for want, got in zip(wanted, _run(runtime, name, given), strict=True):
                difference, limit = _difference(want.numpy(), got, name in in_bytes)
                worst[name] = max(worst[name], difference) if difference <= limit else difference
                if not difference <= limit:  # also where it is not a number
                    raise ExportError(
                        f"the exported {name} differs from the trained network by {difference:.2g} (allowed: "
                        f"{limit:g}); nothing was written"
                    )
    return worst


def _difference(wanted: NDArray[Any], got: NDArray[Any], in_bytes: bool) -> tuple[float, float]:
    """Return how much an output differs, and how much it may."""
    a, b = wanted.astype(np.float64), got.astype(np.float64)
    if wanted.dtype == np.uint8:
        return float(np.abs(a - b).max()), LEVELS
    if wanted.dtype == np.int64:
        return float((a != b).mean()), DIFFERENT
    if in_bytes:
        return float(np.sqrt(((a - b) ** 2).mean() / (a**2).mean())), INT8_TOLERANCE
    return float(np.abs(a - b).max()), TOLERANCE


def _run(runtime: Runtime | TorchRuntime, name: str, inputs: tuple[Tensor, ...]) -> list[NDArray[Any]]:
    if isinstance(runtime, TorchRuntime):
        return [tensor.numpy() for tensor in runtime.run(name, inputs)]
    return [np.asarray(array) for array in runtime.run(name, [tensor.numpy() for tensor in inputs])]
