"""The module behind each graph of a bundle. `export` turns it into ONNX, and the torch backends run it as it is."""

from __future__ import annotations

from torch import Tensor, nn

from reverie.models.correction import DenoiseStep
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder
from reverie.models.tokens.world_model import TemporalVisualWorldModel


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

    def __init__(self, model: TemporalVisualWorldModel) -> None:
        super().__init__()
        self.model, self.hidden = model, model.causal_head is not None or model.outcome_head is not None

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


class DynamicsAlone(nn.Module):
    """`Dynamics` of a history of one frame: there is no ring."""

    def __init__(self, model: TemporalVisualWorldModel) -> None:
        super().__init__()
        self.model, self.hidden = model, model.causal_head is not None or model.outcome_head is not None

    def forward(self, tokens: Tensor, action: Tensor, game: Tensor | None = None) -> tuple[Tensor, ...]:
        logits, hidden = self.model.step_alone(tokens, action, game)
        return (logits, hidden) if self.hidden else (logits,)


class OneFrame(nn.Module):
    """v1: tokens (B, S) and action (B,) int64 -> logits (B, S, V). The exporter needs the network one level down."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, action: Tensor) -> Tensor:
        logits: Tensor = self.model(tokens, action)
        return logits


class CausalLogits(nn.Module):
    """hidden (B, S, width), tokens (B, S) int64, of several games which one (B,) int64 -> logits (B, S, V).

    With experts, all of a batch are of its first one's game, as in `TemporalVisualWorldModel.step`.
    """

    def __init__(self, model: TemporalVisualWorldModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, hidden: Tensor, tokens: Tensor, game: Tensor | None = None) -> Tensor:
        features = self.model.causal_features(hidden, tokens, None if game is None else game[:1])
        return self.model.causal_code(features, game)


class Outcome(nn.Module):
    """hidden (B, S, width), tokens (B, S) int64 -> logits of the rewards (B, R) and of the round's end (B,)."""

    def __init__(self, model: TemporalVisualWorldModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, hidden: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.outcome(hidden, tokens)


def graph_modules(tokenizer: nn.Module, dynamics: nn.Module, decoder: nn.Module | None = None) -> dict[str, nn.Module]:
    """Every graph of a bundle, by name, in evaluation mode."""
    modules: dict[str, nn.Module] = {"encoder": Encoder(tokenizer), "decoder": Decoder(tokenizer)}
    if isinstance(dynamics, TemporalVisualWorldModel):
        modules["dynamics"] = Dynamics(dynamics) if dynamics.config.history > 1 else DynamicsAlone(dynamics)
        if dynamics.causal_head is not None:
            modules["causal_head"] = CausalLogits(dynamics)
        if dynamics.outcome_head is not None:
            modules["outcome"] = Outcome(dynamics)
    else:
        modules["dynamics"] = OneFrame(dynamics)
    if decoder is not None:
        assert isinstance(decoder, DiffusionDecoder)
        modules["diffusion"] = DenoiseStep(decoder)
    return {name: module.eval() for name, module in modules.items()}
