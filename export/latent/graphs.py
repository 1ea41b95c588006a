"""The graphs of a bundle of latents, and inputs to try them on."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from reverie.engine.latent.schedule import FINEST
from reverie.engine.latent.torch_model import graphs_of
from reverie.export.graph import Graph
from reverie.models.latent.autoencoder import Autoencoder
from reverie.models.latent.dynamics import LatentDynamics


def split(networks: Mapping[str, nn.Module]) -> dict[str, Graph]:
    """Return every graph of a bundle of these networks, by name."""
    modules, ends = graphs_of(networks)
    return {name: Graph(module, tuple(ends[name][0]), tuple(ends[name][1])) for name, module in modules.items()}


def random_inputs(
    graph: str, autoencoder: Autoencoder, dynamics: LatentDynamics, batch: int, generator: torch.Generator
) -> tuple[Tensor, ...]:
    """Random inputs of a graph at some batch size; the ring is filled to a random depth, and noise gets less."""
    c, size = dynamics.config, autoencoder.config.size

    def integers(high: int, *shape: int) -> Tensor:
        return torch.randint(0, high, shape, generator=generator)

    z = torch.randn(batch, autoencoder.config.positions, c.channels, generator=generator)
    hidden = torch.randn(batch, c.positions, c.hidden, generator=generator)
    match graph:
        case "encoder":
            return (integers(256, batch, size, size, 3).to(torch.uint8),)
        case "decoder":
            return (z,)
        case "diffusion":
            noisy = torch.randn(batch, size, size, 3, generator=generator)
            target, level = torch.rand(2, batch, generator=generator).sort(0).values
            return noisy, level, target, z, integers(256, batch, size, size, 3).to(torch.uint8)
        case "denoiser":
            step = integers(FINEST.bit_length(), batch)
            return hidden, z, integers(FINEST, batch) >> step << step, step
        case "outcome":
            return hidden, z
    shape = batch, sum(c.past), c.heads, c.history - 1, c.positions, c.width // c.heads
    keys, values = torch.randn(2, *shape, generator=generator)
    filled = int(integers(c.history))
    age = torch.cat([torch.arange(filled, 0, -1), torch.zeros(c.history - 1 - filled, dtype=torch.int64)])
    told = (integers(c.games, batch),) if c.games > 1 else ()
    return z, integers(c.actions, batch), keys, values, age.repeat(batch, 1), *told
