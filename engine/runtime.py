"""The small interface between a family and what runs the graphs of its bundle."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine.manifest import GraphSpec


class Runtime(ABC):
    """Runs the graphs of one bundle. It holds no trajectory, so that many dreams can share it.

    A subclass fills in `run`. graphs: the manifest's. runs: how often each graph was run.
    note: why it does not run where it was asked to, in one sentence; '' where it does.
    """

    note = ""

    def __init__(self, graphs: Mapping[str, GraphSpec]) -> None:
        self.graphs = graphs
        self.runs: Counter[str] = Counter()

    @abstractmethod
    def run(self, graph: str, inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
        """Run one graph. Inputs and outputs are in the manifest's order."""

    def call(self, graph: str, values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run one graph on those of the values that it takes, by name. Returns what it gives, by name."""
        spec = self.graphs[graph]
        self.runs[graph] += 1
        return dict(zip(spec.outputs, self.run(graph, [values[name] for name in spec.inputs]), strict=True))
