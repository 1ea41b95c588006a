"""What the latent family's networks amount to: the model that a manifest describes, and the module of each graph."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from reverie.engine.errors import BundleError
from reverie.engine.latent.model import LatentModel, graph
from reverie.engine.manifest import TensorSpec
from reverie.models.latent.autoencoder import Autoencoder
from reverie.models.latent.diffusion_decoder import LatentDecoder
from reverie.models.latent.dynamics import LatentDynamics
from reverie.models.latent.graph_modules import graph_modules

Ends = tuple[dict[str, TensorSpec], dict[str, TensorSpec]]
"""What a graph takes and gives, by name."""


def latent_model(dynamics: LatentDynamics) -> LatentModel:
    """Return what a manifest's `model` says of these dynamics."""
    c = dynamics.config
    rewards = tuple(map(float, c.rewards))
    return LatentModel(c.grid, c.channels, c.hidden, c.positions, rewards, sum(c.past), c.heads, c.width // c.heads)


def graphs_of(networks: Mapping[str, nn.Module]) -> tuple[dict[str, nn.Module], dict[str, Ends]]:
    """Return the module of each graph that these networks make, and what it takes and gives.

    Raises BundleError where they are not an autoencoder, dynamics of its latents, and at most a diffusion decoder.
    """
    autoencoder, dynamics, decoder = (networks.get(name) for name in ("autoencoder", "dynamics", "decoder"))
    if (
        not isinstance(autoencoder, Autoencoder)
        or not isinstance(dynamics, LatentDynamics)
        or not isinstance(decoder, LatentDecoder | None)
        or len(networks) > 2 + (decoder is not None)
    ):
        raise BundleError("networks must be an autoencoder, dynamics and at most a decoder: export the bundle again")
    c, pictures = dynamics.config, autoencoder.config
    fit = (pictures.grid, pictures.channels) == (c.grid, c.channels)
    if decoder is not None:
        fit &= all(getattr(decoder.config, x) == getattr(pictures, x) for x in ("patch", "grid", "channels"))
    if not fit:
        raise BundleError("the networks have other latents than one another: export the bundle again")
    modules, model = graph_modules(autoencoder, dynamics, decoder), latent_model(dynamics)
    specs = {name: graph(name, model, autoencoder.config.size, c.history, c.games) for name in modules}
    return modules, {name: (spec.inputs, spec.outputs) for name, spec in specs.items()}
