"""A codebook learnt by exponential moving averages, seeded and refilled so that rare patches get codes too."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


class CodebookLearner:
    """Moves a codebook of unit vectors (V, D), in place, to the weighted means of what is nearest to each code."""

    def __init__(self, codebook: Tensor, decay: float = 0.99, patience: int = 3000) -> None:
        """patience: updates without a single member after which a code is put somewhere useful."""
        self.codebook, self.decay, self.patience = codebook, decay, patience
        self.mass = torch.ones(len(codebook))
        self.total = codebook.clone()
        self.idle = torch.zeros(len(codebook), dtype=torch.long)

    @torch.no_grad()
    def seed(self, z: Tensor, weight: Tensor, rounds: int, generator: torch.Generator) -> None:
        """k-means++ (Arthur and Vassilvitskii 2007), then `rounds` of k-means. z: (N, D) unit vectors, weight: (N,)."""
        first = int(torch.multinomial(weight, 1, generator=generator))
        self.codebook[0] = z[first]
        distance = 1 - z @ z[first]
        for i in range(1, len(self.codebook)):
            chosen = int(torch.multinomial((distance.clamp(min=0) + 1e-9) * weight, 1, generator=generator))
            self.codebook[i] = z[chosen]
            distance = torch.minimum(distance, 1 - z @ z[chosen])
        for _ in range(rounds):
            nearest = (z @ self.codebook.T).argmax(-1)
            total = torch.zeros_like(self.codebook).index_add_(0, nearest, z * weight[:, None])
            used = torch.bincount(nearest, minlength=len(self.codebook)) > 0
            self.codebook[used] = F.normalize(total[used], dim=-1)
        self.total.copy_(self.codebook)

    @torch.no_grad()
    def update(self, z: Tensor, tokens: Tensor, weight: Tensor, generator: torch.Generator) -> None:
        """z: (N, D) unit vectors, tokens: (N,) int64, the code of each, weight: (N,)."""
        mass = torch.zeros_like(self.mass).index_add_(0, tokens, weight)
        total = torch.zeros_like(self.total).index_add_(0, tokens, z * weight[:, None])
        self.mass.lerp_(mass, 1 - self.decay)
        self.total.lerp_(total, 1 - self.decay)
        used = mass > 0
        self.codebook[used] = F.normalize(self.total[used], dim=-1)
        self.idle = torch.where(used, 0, self.idle + 1)
        dead = torch.nonzero(self.idle > self.patience)[:, 0]
        if len(dead):  # to the places that are served worst
            error = (1 - (z * self.codebook[tokens]).sum(-1)).clamp(min=0) * weight + 1e-12
            chosen = torch.multinomial(error, min(len(dead), len(z)), generator=generator)
            dead = dead[: len(chosen)]
            self.codebook[dead] = z[chosen]
            self.total[dead] = z[chosen] * self.mass.mean()
            self.mass[dead] = self.mass.mean()
            self.idle[dead] = 0

    @torch.no_grad()
    def retire(self, closeness: float = 1e-4) -> int:
        """Put codes where nothing is nearest to them; returns how many. To be called when learning is over.

        A code that was idle for long may still lie beside a busy one, and so may two that share a patch: a rounding
        error then decides between them, and the dynamics meet a token that they have never seen.
        """
        gone = self.idle > self.patience // 3
        order = torch.argsort(self.mass, descending=True)
        codes = self.codebook[order]
        alike = torch.triu(codes @ codes.T > 1 - closeness, 1)  # column: the one with less mass
        gone[order[alike.any(0)]] = True
        self.codebook[gone] = 0  # embeddings are unit vectors, so some code is always nearer
        return int(gone.sum())
