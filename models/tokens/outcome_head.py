"""Predicts the reward of a step, and whether it ends the round."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class OutcomeHead(nn.Module):
    """Predicts reward and end from the trunk's output and the sampled frame, so that they agree with the picture."""

    def __init__(self, vocabulary: int, width: int, rewards: int) -> None:
        """rewards: how many values a reward can have."""
        super().__init__()
        inner = width // 2
        self.token = nn.Embedding(vocabulary, inner)
        self.hidden = nn.Linear(width, inner)
        self.mix = nn.Linear(inner, inner)
        self.out = nn.Linear(2 * inner, rewards + 1)

    def forward(self, hidden: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """hidden (N, S, width), tokens (N, S) int64. Returns logits of the reward (N, rewards) and of the end (N,)."""
        x = F.relu(self.mix(F.relu(self.hidden(hidden) + self.token(tokens))))
        # The maximum finds a collision at one position. The mean describes the whole frame.
        y = self.out(torch.cat([x.amax(1), x.mean(1)], -1))
        return y[:, :-1], y[:, -1]
