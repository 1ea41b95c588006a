"""What the latent family's networks amount to: the model that a manifest describes, and the module of each graph."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from reverie.engine.errors import BundleError
from reverie.engine.latent.model import LatentModel, graph
from reverie.engine.manifest import TensorSpec
from reverie.models.latent.autoencoder import Autoencoder
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

    Raises BundleError where they are not an autoencoder and dynamics of its latents.
    """
    autoencoder, dynamics = networks.get("autoencoder"), networks.get("dynamics")
    if not isinstance(autoencoder, Autoencoder) or not isinstance(dynamics, LatentDynamics) or len(networks) > 2:
        raise BundleError("networks must be an autoencoder and dynamics: export the bundle again")
    c = dynamics.config
    if (autoencoder.config.grid, autoencoder.config.channels) != (c.grid, c.channels):
        raise BundleError("the networks have other latents than one another: export the bundle again")
    modules, model = graph_modules(autoencoder, dynamics), latent_model(dynamics)
    specs = {name: graph(name, model, autoencoder.config.size, c.history, c.games) for name in modules}
    return modules, {name: (spec.inputs, spec.outputs) for name, spec in specs.items()}
