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
        self.mass = torch.ones(len(codebook), device=codebook.device)
        self.total = codebook.clone()
        self.idle = torch.zeros(len(codebook), dtype=torch.long, device=codebook.device)

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
        self.idle.copy_(torch.where(used, 0, self.idle + 1))
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
    def reassign_unused(self, z: Tensor, weight: Tensor, closeness: float = 1e-4) -> int:
        """Move unused codes to the embeddings that are farthest from any code. Call it when learning is over.

        z: (N, D) unit vectors, one for each kind of patch there is; weight: (N,). A code is free if it is the nearest
        to none of them, or lies beside a busier one: a rounding error would then decide between the two, and the
        dynamics would meet a token that they have never seen. Codes without use are put where nothing is ever nearest
        to them: at zero. Returns how many are in use.
        """
        used = torch.bincount((z @ self.codebook.T).argmax(-1), minlength=len(self.codebook)) > 0
        order = torch.argsort(torch.where(used, self.mass, -1.0), descending=True)
        codes = self.codebook[order]
        alike = torch.triu(codes @ codes.T > 1 - closeness, 1)  # column: the less busy one
        free = ~used
        free[order[alike.any(0)]] = True
        self.codebook[free] = 0  # embeddings are unit vectors, so some code is always nearer
        distance = 1 - (z @ self.codebook.T).amax(-1)
        for code in torch.nonzero(free)[:, 0]:
            cost = torch.where(distance > closeness, distance * weight, 0.0)
            worst = int(cost.argmax())
            if cost[worst] == 0:
                break
            self.codebook[code] = z[worst]
            distance = torch.minimum(distance, 1 - z @ z[worst])
        used = torch.bincount((z @ self.codebook.T).argmax(-1), minlength=len(self.codebook)) > 0
        self.codebook[~used] = 0
        return int(used.sum())

    def state(self) -> dict[str, Tensor]:
        """What the next update depends on besides the codebook."""
        return {"mass": self.mass, "total": self.total, "idle": self.idle}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state`."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
