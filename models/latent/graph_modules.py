"""The module behind each graph of a bundle. `export` turns it into ONNX, and the torch backends run it as it is."""

from __future__ import annotations

from torch import Tensor, nn

from reverie.models.correction import DenoiseStep
from reverie.models.latent.autoencoder import Autoencoder
from reverie.models.latent.diffusion_decoder import LatentDecoder
from reverie.models.latent.dynamics import LatentDynamics


class LatentEncoder(nn.Module):
    """frames (B, H, W, 3) uint8 -> latents (B, S, channels) float32."""

    def __init__(self, autoencoder: Autoencoder) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, frames: Tensor) -> Tensor:
        return self.autoencoder.encode(frames)


class LatentPicture(nn.Module):
    """latents (B, S, channels) float32 -> frames (B, H, W, 3) uint8."""

    def __init__(self, autoencoder: Autoencoder) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, z: Tensor) -> Tensor:
        return self.autoencoder.decode(z)


class Trunk(nn.Module):
    """One frame against the ring -> hidden (B, S, width), and the frame's own keys and values."""

    def __init__(self, model: LatentDynamics) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, z: Tensor, action: Tensor, keys: Tensor, values: Tensor, age: Tensor, game: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        return self.model.step(z, action, keys, values, age, game)


class Denoiser(nn.Module):
    """hidden (B, S, width), noisy (B, S, channels), level and size (B,) int64 -> clean latents (B, S, channels)."""

    def __init__(self, model: LatentDynamics) -> None:
        super().__init__()
        self.model = model

    def forward(self, hidden: Tensor, noisy: Tensor, level: Tensor, size: Tensor) -> Tensor:
        return self.model.denoise(hidden, noisy, level, size)


class LatentOutcome(nn.Module):
    """hidden (B, S, width), latents (B, S, channels) -> logits of the rewards (B, R) and of the round's end (B,)."""

    def __init__(self, model: LatentDynamics) -> None:
        super().__init__()
        self.model = model

    def forward(self, hidden: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.outcome(hidden, z)


def graph_modules(
    autoencoder: Autoencoder, dynamics: LatentDynamics, decoder: LatentDecoder | None = None
) -> dict[str, nn.Module]:
    """Return every graph of a bundle, by name, in evaluation mode."""
    modules: dict[str, nn.Module] = {
        "encoder": LatentEncoder(autoencoder),
        "dynamics": Trunk(dynamics),
        "denoiser": Denoiser(dynamics),
        "decoder": LatentPicture(autoencoder),
    }
    if dynamics.outcome_head is not None:
        modules["outcome"] = LatentOutcome(dynamics)
    if decoder is not None:
        modules["diffusion"] = DenoiseStep(decoder)
    return {name: module.eval() for name, module in modules.items()}
