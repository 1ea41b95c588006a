"""The networks of a bundle on torch, for `engine.latent.dynamics`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor

from reverie.engine.errors import BundleError
from reverie.engine.latent.torch_model import graphs_of
from reverie.engine.manifest import Manifest
from reverie.engine.torch_arrays import TorchArrays
from reverie.engine.torch_noise import normal
from reverie.engine.torch_runtime import TorchRuntime

EXACT = ("encoder", "decoder")
"""Graphs whose products keep their precision: a picture has 256 levels, and half precision loses one of them."""


class TorchCalls:
    """`engine.latent.dynamics.Calls` over the networks of a torch runtime."""

    def __init__(self, manifest: Manifest, runtime: TorchRuntime) -> None:
        """Raises BundleError where the networks are not those of the graphs that the manifest declares."""
        self.arrays, self.any_batch = TorchArrays(runtime.device), runtime.device.type != "cuda"
        self._runtime, self._graphs = runtime, manifest.graphs
        modules, specs = graphs_of(runtime.networks)
        for name, spec in manifest.graphs.items():
            if specs.get(name) != (spec.inputs, spec.outputs):
                raise BundleError(
                    f"the networks of {manifest.name} are not those of its {name}: export or download the bundle again"
                )
            runtime.add(name, modules[name], rounded=name not in EXACT, captured=name != "encoder")

    @property
    def runs(self) -> Counter[str]:
        return self._runtime.runs

    def call(self, graph: str, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        spec = self._graphs[graph]
        given = self._runtime.run(graph, [values[name] for name in spec.inputs])
        return dict(zip(spec.outputs, given, strict=True))

    def normal(self, keys: Tensor, numbers: int) -> Tensor:
        return normal(keys[:, None], torch.arange(numbers, device=keys.device))

    def bits(self, ratio: Tensor) -> Tensor:
        return (1 + ratio).log2() / 2

    def numbers(self, value: int, batch: int) -> Tensor:
        return torch.full((batch,), value, dtype=torch.int64, device=self._runtime.device)
