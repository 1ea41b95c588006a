"""Dreams in torch, frame by frame: the ring of keys and values, and a rollout."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.models.latent.dynamics import LatentDynamics


class LatentRing:
    """The cached keys and values of a batch of trajectories."""

    def __init__(self, network: LatentDynamics, keys: Tensor, values: Tensor, age: Tensor) -> None:
        """keys, values: (B, layers with past, heads, slots, S, head_dim). age: (B, slots) int64, 0 where empty."""
        self.network, self.keys, self.values, self.age = network, keys, values, age

    @classmethod
    def empty(cls, network: LatentDynamics, batch: int) -> LatentRing:
        """A ring that holds no frame."""
        c, device = network.config, network.frequencies.device
        shape = batch, sum(c.past), c.heads, c.history - 1, c.positions, c.width // c.heads
        age = torch.zeros(batch, c.history - 1, dtype=torch.int64, device=device)
        return cls(network, torch.zeros(shape, device=device), torch.zeros(shape, device=device), age)

    def step(self, latents: Tensor, action: Tensor, game: Tensor | None = None) -> Tensor:
        """Commit a frame (B, S, channels) and return what is known of the next one (B, S, width)."""
        hidden, k, v = self.network.step(latents, action, self.keys, self.values, self.age, game)
        # All trajectories take the same slot, because they have all seen equally many frames.
        slot = int(torch.where(self.age[0] == 0, 2**31, self.age[0]).argmax())
        self.keys[:, :, :, slot], self.values[:, :, :, slot] = k, v
        self.age = torch.where(self.age > 0, self.age + 1, 0)
        self.age[:, slot] = 1
        return hidden


@torch.no_grad()
def roll_out(
    network: LatentDynamics, latents: Tensor, actions: Tensor, steps: int, generator: torch.Generator
) -> Tensor:
    """Dream on from true frames.

    latents: (B, T, S, channels), the true past. actions: (B, N) int64, N >= T: actions[:, t] is done at frame t.
    steps: denoising steps a frame. Returns (B, N - T + 1, S, channels), the dreamt frames.
    """
    ring, frame, made = LatentRing.empty(network, len(latents)), latents[:, 0], []
    for t in range(actions.shape[1]):
        hidden = ring.step(frame, actions[:, t])
        if t + 1 < latents.shape[1]:
            frame = latents[:, t + 1]
            continue
        noise = torch.randn(frame.shape, generator=generator).to(frame.device)
        frame = network.sample(hidden, noise, steps)
        made.append(frame)
    return torch.stack(made, 1)
