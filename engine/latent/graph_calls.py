"""The graphs of a bundle on numpy, for `engine.latent.dynamics`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine.arrays import NumpyArrays
from reverie.engine.noise import Keys, normal
from reverie.engine.runtime import Runtime


class GraphCalls:
    """`engine.latent.dynamics.Calls` over a runtime of graphs."""

    any_batch = True

    def __init__(self, runtime: Runtime) -> None:
        self.arrays, self._runtime = NumpyArrays(), runtime

    @property
    def runs(self) -> Counter[str]:
        return self._runtime.runs

    def call(self, graph: str, values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return self._runtime.call(graph, {name: np.ascontiguousarray(value) for name, value in values.items()})

    def normal(self, keys: Keys, numbers: int) -> NDArray[np.float32]:
        return normal(keys[:, None], np.arange(numbers))

    def bits(self, ratio: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.log2(1 + ratio) / 2)

    def numbers(self, value: int, batch: int) -> NDArray[np.int64]:
        return np.full(batch, value, np.int64)
