"""v2's second decoder: a few diffusion steps add the details that the VQ decoder's picture lacks (`Correction`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from reverie.models.correction import Correction, CorrectionConfig
from reverie.schema import Within


@dataclass(frozen=True)
class DiffusionDecoderConfig(CorrectionConfig):
    """Sizes of a `DiffusionDecoder`: those of a `Correction`, whose places are tokens, and

    vocabulary: number of codes of the tokenizer.
    """

    patch: Annotated[int, Within(1, 64)] = 16
    vocabulary: Annotated[int, Within(2, 2**16)] = 2048


class DiffusionDecoder(Correction):
    """A `Correction` of tokens (N, S) int64, to the VQ decoder's picture.

    A correction is scaled by the typical correction of each tile's code. A code that stands for exactly one picture has
    scale 0, so the network cannot spoil it.
    """

    config: DiffusionDecoderConfig

    def __init__(self, config: DiffusionDecoderConfig) -> None:
        super().__init__(config)
        self.register_buffer("spread", torch.full((config.vocabulary,), config.spread))
        self.spread: Tensor
        self.code = nn.Embedding(config.vocabulary, config.widths[-1])
        nn.init.normal_(self.code.weight, std=0.1)

    def levels(self, z: Tensor) -> Tensor:
        """See `Correction`: (N, H, W, 1)."""
        (h, w), p = self.config.grid, self.config.patch
        tiles = 127.5 * self.spread[z].reshape(-1, h, 1, w, 1, 1)
        return tiles.expand(-1, -1, p, -1, p, -1).reshape(-1, h * p, w * p, 1)

    def features(self, z: Tensor) -> Tensor:
        """See `Correction`."""
        return self.code(z).unflatten(1, self.config.grid).permute(0, 3, 1, 2)
