"""What the token family's networks amount to: the model that a manifest describes, and the module behind each graph."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from reverie.engine.errors import BundleError
from reverie.engine.manifest import TensorSpec
from reverie.engine.tokens.model import TokenModel, graph
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder
from reverie.models.tokens.graph_modules import graph_modules
from reverie.models.tokens.learnt_patch_vq import LearntPatchVQ
from reverie.models.tokens.networks import codes, frame_size, positions
from reverie.models.tokens.patch_vq import PatchVQ
from reverie.models.tokens.two_level_vq import TwoLevelVQ
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.models.v1.vqvae import VQVAE
from reverie.models.v1.world_model import VisualWorldModel

Ends = tuple[dict[str, TensorSpec], dict[str, TensorSpec]]
"""What a graph takes and gives, by name."""


def token_model(dynamics: TemporalVisualWorldModel | VisualWorldModel) -> TokenModel:
    """What a manifest's `model` says of these dynamics."""
    if isinstance(dynamics, VisualWorldModel):
        side = round(dynamics.config.positions**0.5)
        return TokenModel((side, side), dynamics.config.vocabulary)
    config = dynamics.config
    memory: dict[str, int] = {}
    if config.history > 1:
        memory = {"layers": config.layers, "heads": config.heads, "head_dim": config.width // config.heads}
        memory["positions"] = config.trunk_positions
    hidden = config.width if config.causal_layers or config.rewards else None
    rewards = tuple(map(float, config.rewards))
    return TokenModel(config.grid, config.vocabulary, config.fine or None, hidden, rewards, **memory)


def history(dynamics: TemporalVisualWorldModel | VisualWorldModel) -> int:
    """Frames that a prediction looks at."""
    return dynamics.config.history if isinstance(dynamics, TemporalVisualWorldModel) else 1


def graphs_of(networks: Mapping[str, nn.Module]) -> tuple[dict[str, nn.Module], dict[str, Ends]]:
    """The module of each graph that these networks make, and what it takes and gives.

    Raises BundleError where they are not a tokenizer, dynamics, and at most a diffusion decoder.
    """
    tokenizer, dynamics, decoder = (networks.get(name) for name in ("tokenizer", "dynamics", "decoder"))
    if (
        not isinstance(tokenizer, VQVAE | PatchVQ | TwoLevelVQ | LearntPatchVQ)
        or not isinstance(dynamics, TemporalVisualWorldModel | VisualWorldModel)
        or not isinstance(decoder, DiffusionDecoder | None)
        or len(networks) > 2 + (decoder is not None)
    ):
        raise BundleError("networks must be a tokenizer, dynamics and at most a decoder: export the bundle again")
    model, size = token_model(dynamics), frame_size(tokenizer.config)
    fit = codes(tokenizer.config) == model.vocabulary and positions(tokenizer.config) == model.tokens
    shared = ("vocabulary", "patch", "grid")
    if decoder is not None:
        fit &= all(getattr(decoder.config, x) == getattr(tokenizer.config, x, None) for x in shared)
    if not fit:
        raise BundleError("the networks have other codes or other frames than one another: export the bundle again")
    games = dynamics.config.games if isinstance(dynamics, TemporalVisualWorldModel) else 1
    modules = graph_modules(tokenizer, dynamics, decoder)
    specs = {name: graph(name, model, size, history(dynamics), games) for name in modules}
    return modules, {name: (spec.inputs, spec.outputs) for name, spec in specs.items()}
