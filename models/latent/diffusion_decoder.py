"""The second decoder of latents: a few diffusion steps add what the autoencoder's picture lacks (`Correction`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from reverie.models.correction import Correction, CorrectionConfig
from reverie.schema import Within


@dataclass(frozen=True)
class LatentDecoderConfig(CorrectionConfig):
    """Sizes of a `LatentDecoder`: those of a `Correction`, whose places are latents, and

    channels: numbers in a latent.
    """

    spread: Annotated[float, Within(1e-4, 2)] = 0.05
    channels: Annotated[int, Within(1, 1024)] = 32


class LatentDecoder(Correction):
    """A `Correction` of latents (N, S, channels) float32, to the autoencoder's picture."""

    config: LatentDecoderConfig

    def __init__(self, config: LatentDecoderConfig) -> None:
        super().__init__(config)
        self.register_buffer("spread", torch.tensor(config.spread))
        self.spread: Tensor
        self.latent = nn.Conv2d(config.channels, config.widths[-1], 3, padding=1)

    def levels(self, z: Tensor) -> Tensor:
        """See `Correction`: one number for all places."""
        return 127.5 * self.spread

    def features(self, z: Tensor) -> Tensor:
        """See `Correction`."""
        return self.latent(z.transpose(1, 2).unflatten(2, self.config.grid))
