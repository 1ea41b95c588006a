"""The graphs of a bundle: the module behind each, the names of its ends, and inputs to try it on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.engine.manifest import GraphSpec
from reverie.engine.tokens import model
from reverie.engine.tokens.model import TokenModel
from reverie.export.graph import Graph
from reverie.export.parity import Inputs
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder
from reverie.models.tokens.graph_modules import graph_modules


@dataclass(frozen=True)
class Sizes:
    """What a bundle's graphs agree on; the words are those of `reverie.engine.manifest.Manifest`."""

    resolution: int
    actions: int
    history: int
    model: TokenModel
    games: int = 1

    @property
    def positions(self) -> int:
        """Tokens in a frame."""
        return self.model.tokens

    @property
    def rewards(self) -> tuple[float, ...]:
        """What a reward can be, where that is predicted."""
        return self.model.rewards

    def graph(self, name: str, file: str = "") -> GraphSpec:
        """What a graph takes and gives."""
        return model.graph(name, self.model, self.resolution, self.history, self.games, file)


def split(
    tokenizer: nn.Module, dynamics: nn.Module, sizes: Sizes, decoder: DiffusionDecoder | None = None
) -> dict[str, Graph]:
    """Every graph of a bundle, by name."""
    graphs = {}
    for name, module in graph_modules(tokenizer, dynamics, decoder).items():
        spec = sizes.graph(name)
        graphs[name] = Graph(module, tuple(spec.inputs), tuple(spec.outputs))
    return graphs


def random_inputs(graph: str, sizes: Sizes, batch: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Random inputs of a graph at some batch size; the ring is filled to a random depth, and noise gets less."""
    s, m = sizes, sizes.model

    def integers(high: int, *shape: int) -> Tensor:
        return torch.randint(0, high, shape, generator=generator)

    def frames() -> Tensor:
        return integers(256, batch, s.resolution, s.resolution, 3).to(torch.uint8)

    if graph == "encoder":
        return (frames(),)
    tokens = integers(m.vocabulary, batch, s.positions)
    if graph == "decoder":
        return (tokens,)
    if graph == "diffusion":
        noisy = torch.randn(batch, s.resolution, s.resolution, 3, generator=generator)
        target, level = torch.rand(2, batch, generator=generator).sort(0).values
        return noisy, level, target, tokens, frames()
    told = (integers(s.games, 1).repeat(batch),) if s.games > 1 else ()  # one game, as in every batch of dreams
    if graph in ("causal_head", "outcome"):
        assert m.hidden is not None
        hidden = torch.randn(batch, s.positions, m.hidden, generator=generator)
        return (hidden, tokens, *told) if graph == "causal_head" else (hidden, tokens)
    action = integers(s.actions, batch)
    if not (slots := s.history - 1):
        return (tokens, action, *told)
    shape = (batch, m.layers, m.heads, slots, m.positions, m.head_dim)
    keys, values = torch.randn(2, *shape, generator=generator)
    filled = int(integers(slots + 1))
    age = torch.cat([torch.arange(filled, 0, -1), torch.zeros(slots - filled, dtype=torch.int64)])
    return tokens, action, keys, values, age.repeat(batch, 1), *told


def inputs_of(sizes: Sizes) -> Inputs:
    """Return `random_inputs` of a bundle's graphs, for the check of parity."""

    def inputs(graph: str, batch: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        return random_inputs(graph, sizes, batch, generator)

    return inputs
