"""Does the exported graph compute what the network computes?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.engine.runtime import Runtime
from reverie.engine.torch_runtime import TorchRuntime
from reverie.export.errors import ExportError
from reverie.export.tokens.graphs import Graph, Sizes, random_inputs

TOLERANCE = 1e-3
"""Largest difference of a logit, a hidden feature, a key or a value."""
INT8_TOLERANCE = 0.1
"""The same for byte weights, as the root mean square of the difference over that of the output."""


def check_parity(
    graphs: dict[str, Graph], runtime: Runtime | TorchRuntime, sizes: Sizes, precision: str
) -> dict[str, float]:
    """Compare every graph with its network on random inputs, at batches 1 and 3.

    Returns the largest difference by graph: absolute, relative for an int8 dynamics, share of differing tokens for the
    encoder, levels of a pixel for the decoder. Raises ExportError above the tolerance.
    """
    generator = torch.Generator().manual_seed(0)
    worst: dict[str, float] = {}
    for name, graph in graphs.items():
        relative = precision == "int8" and name == "dynamics"
        limit = {"encoder": 0.01, "decoder": 1.0}.get(name, INT8_TOLERANCE if relative else TOLERANCE)
        differences = [0.0]
        for batch in (1, 3):
            inputs = random_inputs(name, sizes, batch, generator)
            with torch.no_grad():
                wanted = graph.module(*inputs)
            wanted = [wanted] if isinstance(wanted, torch.Tensor) else list(wanted)
            for want, got in zip(wanted, _run(runtime, name, inputs), strict=True):
                a, b = want.numpy().astype(np.float64), got.astype(np.float64)
                if name == "encoder":
                    differences.append(float((a != b).mean()))
                elif relative:
                    differences.append(float(np.sqrt(((a - b) ** 2).mean() / (a**2).mean())))
                else:
                    # Beside what the diffusion decoder predicts, a level of its picture counts as all that is allowed.
                    unit = TOLERANCE if name == "diffusion" and want.dtype == torch.uint8 else 1.0
                    differences.append(unit * float(np.abs(a - b).max()))
        worst[name] = max(differences)
        if not worst[name] <= limit:  # also where it is not a number
            raise ExportError(
                f"the exported {name} differs from the trained network by {worst[name]:.2g} (allowed: {limit:g}); "
                "nothing was written"
            )
    return worst


def _run(runtime: Runtime | TorchRuntime, name: str, inputs: tuple[torch.Tensor, ...]) -> list[NDArray[Any]]:
    if isinstance(runtime, TorchRuntime):
        return [tensor.numpy() for tensor in runtime.run(name, inputs)]
    return [np.asarray(array) for array in runtime.run(name, [tensor.numpy() for tensor in inputs])]
