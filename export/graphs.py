"""What of a network becomes a graph: one small module a graph, with example inputs and the names of its ends."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.engine.manifest import GraphSpec
from reverie.engine.tokens import model
from reverie.engine.tokens.model import TokenModel
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder
from reverie.models.tokens.world_model import TemporalVisualWorldModel


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


@dataclass(frozen=True)
class Graph:
    """One graph: the module that computes it, its input and output names in order."""

    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class Encoder(nn.Module):
    """frames (B, H, W, 3) uint8 -> tokens (B, S) int64."""

    def __init__(self, tokenizer: nn.Module) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, frames: Tensor) -> Tensor:
        return self.tokenizer.encode(frames)  # type: ignore[operator]


class Decoder(nn.Module):
    """tokens (B, S) int64 -> frames (B, H, W, 3) uint8."""

    def __init__(self, tokenizer: nn.Module) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, tokens: Tensor) -> Tensor:
        return self.tokenizer.decode(tokens)  # type: ignore[operator]


class Dynamics(nn.Module):
    """One frame against the ring; without a head that looks at it there is no `hidden` among the outputs."""

    def __init__(self, model: TemporalVisualWorldModel, hidden: bool) -> None:
        super().__init__()
        self.model, self.hidden = model, hidden

    def forward(
        self,
        tokens: Tensor,
        action: Tensor,
        keys: Tensor,
        values: Tensor,
        age: Tensor,
        game: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        logits, hidden, new_keys, new_values = self.model.step(tokens, action, keys, values, age, game)
        return (logits, hidden, new_keys, new_values) if self.hidden else (logits, new_keys, new_values)


class OneFrame(nn.Module):
    """v1: tokens (B, S) and action (B,) int64 -> logits (B, S, V). The exporter needs the network one level down."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, action: Tensor) -> Tensor:
        logits: Tensor = self.model(tokens, action)
        return logits


class CausalLogits(nn.Module):
    """hidden (B, S, width), tokens (B, S) int64, of several games which one (B,) int64 -> logits (B, S, V)."""

    def __init__(self, model: TemporalVisualWorldModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, hidden: Tensor, tokens: Tensor, game: Tensor | None = None) -> Tensor:
        return self.model.causal_logits(hidden, tokens, game)


class Outcome(nn.Module):
    """hidden (B, S, width), tokens (B, S) int64 -> logits of the rewards (B, R) and of the round's end (B,)."""

    def __init__(self, model: TemporalVisualWorldModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, hidden: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.outcome(hidden, tokens)


class DenoiseStep(nn.Module):
    """One step of the diffusion decoder -> the noisy correction at `target` (B, H, W, 3), frames (B, H, W, 3) uint8."""

    def __init__(self, decoder: DiffusionDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(
        self, noisy: Tensor, level: Tensor, target: Tensor, tokens: Tensor, vq: Tensor
    ) -> tuple[Tensor, Tensor]:
        return self.decoder.denoise_step(noisy, level, target, tokens, vq)


def split(
    tokenizer: nn.Module, dynamics: nn.Module, sizes: Sizes, decoder: DiffusionDecoder | None = None
) -> dict[str, Graph]:
    """Every graph of a bundle, by name."""
    modules: dict[str, nn.Module] = {"encoder": Encoder(tokenizer), "decoder": Decoder(tokenizer)}
    if isinstance(dynamics, TemporalVisualWorldModel):
        modules["dynamics"] = Dynamics(dynamics, sizes.model.hidden is not None)
        if dynamics.causal_head is not None:
            modules["causal_head"] = CausalLogits(dynamics)
        if dynamics.outcome_head is not None:
            modules["outcome"] = Outcome(dynamics)
    else:
        modules["dynamics"] = OneFrame(dynamics)
    if decoder is not None:
        modules["diffusion"] = DenoiseStep(decoder)
    specs = {name: sizes.graph(name) for name in modules}
    return {
        name: Graph(module.eval(), tuple(specs[name].inputs), tuple(specs[name].outputs))
        for name, module in modules.items()
    }


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
    told = (integers(s.games, batch),) if s.games > 1 else ()
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
