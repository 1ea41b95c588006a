"""Inverse dynamics: a small network names the action between two frames. It needs torch.

It measures whether a dream obeys, for games that have no state reader. The network learns from real play and is then
asked about dreamt frames. Where it names as many actions right as in the real game, the actions show in the dream as
they show in the game.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reverie.evaluation.metrics.arithmetic import shrunk
from reverie.evaluation.progress import Progress, silent

EPOCHS = 8
BATCH = 64
LEARNING_RATE = 2e-3
INFERENCE_BATCH = 256


class InverseDynamics:
    """Names actions. It is trained once for a game, on play that nothing else is measured on."""

    def __init__(self, actions: int, seed: int = 0) -> None:
        """actions: number of actions. seed: of the initial weights and of the order of the training pairs."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = _Network(actions)
        self.seed = seed

    def train(
        self,
        pictures: NDArray[np.uint8],
        actions: NDArray[np.int64],
        cut: NDArray[np.bool_],
        epochs: int = EPOCHS,
        progress: Progress = silent,
    ) -> None:
        """Train on real play.

        pictures: (T + 1, B, H, W, 3) uint8. actions: (T, B) int64 led from picture t to t + 1. cut: (T, B) bool, where
        picture t + 1 does not follow from picture t.
        """
        frames, pairs = shrunk(pictures), np.argwhere(~cut)  # pairs: (N, 2), tick and episode
        rng = np.random.default_rng(self.seed)
        optimizer = torch.optim.AdamW(self.network.parameters(), LEARNING_RATE, weight_decay=0.01)
        steps = epochs * max(1, len(pairs) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
        self.network.train()
        for step in range(steps):
            t, b = pairs[rng.integers(len(pairs), size=BATCH)].T
            scores = self.network(_pairs(frames[t, b], frames[t + 1, b]))
            loss = nn.functional.cross_entropy(scores, torch.from_numpy(actions[t, b]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            progress("training inverse dynamics", step + 1, steps)
        self.network.eval()

    @torch.no_grad()
    def predict(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The action (N,) between frames before and after, each (N, H, W, 3) uint8."""
        before, after = shrunk(before), shrunk(after)
        parts = [
            self.network(_pairs(before[i : i + INFERENCE_BATCH], after[i : i + INFERENCE_BATCH])).argmax(1).numpy()
            for i in range(0, len(before), INFERENCE_BATCH)
        ]
        return np.concatenate([*parts, np.zeros(0, np.int64)])


class _Network(nn.Module):
    """Convolutions over a pair of frames, then the maximum and the mean of each feature over the picture."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(11, 24, 4, stride=2, padding=1), nn.GroupNorm(4, 24), nn.ReLU(),
            nn.Conv2d(24, 32, 4, stride=2, padding=1), nn.GroupNorm(4, 32), nn.ReLU(),
            nn.Conv2d(32, 48, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, actions))

    def forward(self, pairs: Tensor) -> Tensor:
        features = self.body(pairs)  # (N, 48, h / 4, w / 4)
        return self.head(torch.cat([features.amax((2, 3)), features.mean((2, 3))], dim=1))  # (N, actions)


def _pairs(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Tensor:
    """(N, 11, h, w): both frames, what changed between them, and where each pixel is."""
    first, second = (torch.from_numpy(f).permute(0, 3, 1, 2).float() / 127.5 - 1 for f in (before, after))
    n, _, height, width = first.shape
    down = torch.linspace(-1, 1, height)[:, None].expand(n, 1, height, width)
    right = torch.linspace(-1, 1, width).expand(n, 1, height, width)
    return torch.cat([first, second, second - first, down, right], dim=1)
