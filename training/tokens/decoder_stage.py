"""The stage that trains the diffusion decoder on a trained tokenizer's tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from reverie.models.tokens.diffusion_decoder import DiffusionDecoder
from reverie.schema import Within
from reverie.training.correction.frames import Codec, Frames, encode_decode, place_means
from reverie.training.correction.stage import CorrectionStage, CorrectionTraining

COUNTED = 8192
"""Frames over which tokens are counted and the errors of the VQ decoder are measured."""
LEAST_SPREAD = 0.1 / 127.5
"""Smallest size of a code's corrections: a tenth of a level of a pixel."""
DOUBT = 0.1
"""Tiles with large corrections that are added to the count of every code, so that rare codes are not trusted."""


@dataclass(frozen=True)
class DecoderTraining(CorrectionTraining):
    """How a diffusion decoder of tokens is trained: see `CorrectionTraining`, and

    rarity: a tile counts as (the frequency of its token) ** -rarity, so that rare pictures are drawn right too.
    """

    rarity: Annotated[float, Within(0, 1)] = 0.4


class DecoderStage(CorrectionStage[DiffusionDecoder]):
    """Trains the diffusion decoder. Tiles count by how rare their codes are, and by how large their corrections."""

    plain = "vq"
    config: DecoderTraining

    def __init__(
        self,
        network: DiffusionDecoder,
        tokenizer: Codec,
        train: Frames,
        held_out: Frames,
        config: DecoderTraining,
        minutes: float,
        seed: int,
    ) -> None:
        """See `CorrectionStage`; the codec is a tokenizer."""
        super().__init__(network, tokenizer, train, held_out, config, minutes, seed)
        weight, spread = code_statistics(network, tokenizer, train, config.rarity)
        network.spread.copy_(spread)
        # Errors count as they are seen, in levels of a pixel, and not in units of each code.
        self.visible = (spread / network.config.spread).square()  # (vocabulary,)
        self.weight = weight * self.visible

    def weighted(self, error: Tensor, z: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """See `CorrectionStage`: weighted by tile."""
        tiles = place_means(error, self.network.config.patch)  # (B, S)
        return (tiles * self.weight[z]).mean(), (tiles * self.visible[z]).mean()


@torch.no_grad()
def code_statistics(
    decoder: DiffusionDecoder, tokenizer: Codec, frames: Frames, rarity: float
) -> tuple[Tensor, Tensor]:
    """Return for every code the weight of a tile of it, and how large its corrections are: (vocabulary,) both.

    The first is (the frequency of the code) ** -rarity, 1 in the mean over tiles. The second is the root of the mean
    square of what the VQ decoder's tile lacks, in units of a picture in [-1, 1].
    """
    vocabulary, prior = decoder.config.vocabulary, decoder.config.spread
    device, numbers = decoder.spread.device, frames.spread(COUNTED)
    count, square = torch.zeros(2, vocabulary, device=device)
    for part in np.array_split(numbers, -(-len(numbers) // 64)):
        true = frames.take(part).to(device)
        tokens, vq = encode_decode(tokenizer, true)
        lacks = place_means(((true.float() - vq.float()) / 127.5).square(), decoder.config.patch)
        count += torch.bincount(tokens.flatten(), minlength=vocabulary)
        square.index_add_(0, tokens.flatten(), lacks.flatten())
    weight = count.clamp(min=1) ** -rarity
    weight = weight * count.sum() / (weight * count).sum()
    spread = ((square + DOUBT * prior**2) / (count + DOUBT)).sqrt()
    # Codes that were counted once or never must not outweigh all others.
    return weight.clamp(0.05, 20), spread.clamp(min=LEAST_SPREAD)
