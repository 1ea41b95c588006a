"""One graph of a bundle, before it is written."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Graph:
    """One graph: the module that computes it, its input and output names in order."""

    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
