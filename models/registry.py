"""Builds a network from its description, `{"kind": ..., "config": {...}}`, as runs and bundles hold it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import torch
from torch import nn

from reverie.schema import SchemaError, read_object

KINDS = {
    "vqvae": "reverie.models.v1.vqvae:VQVAE:VQVAEConfig",
    "visual_world_model": "reverie.models.v1.world_model:VisualWorldModel:VisualWorldModelConfig",
    "patch_vq": "reverie.models.tokens.patch_vq:PatchVQ:PatchVQConfig",
    "two_level_vq": "reverie.models.tokens.two_level_vq:TwoLevelVQ:TwoLevelVQConfig",
    "learnt_patch_vq": "reverie.models.tokens.learnt_patch_vq:LearntPatchVQ:LearntPatchVQConfig",
    "temporal_visual_world_model": "reverie.models.tokens.world_model:TemporalVisualWorldModel:WorldModelConfig",
    "autoencoder": "reverie.models.latent.autoencoder:Autoencoder:AutoencoderConfig",
    "latent_dynamics": "reverie.models.latent.dynamics:LatentDynamics:LatentDynamicsConfig",
    "latent_decoder": "reverie.models.latent.diffusion_decoder:LatentDecoder:LatentDecoderConfig",
    "diffusion_decoder": "reverie.models.tokens.diffusion_decoder:DiffusionDecoder:DiffusionDecoderConfig",
}
"""Module, class and configuration of each kind of network."""
MOST_PARAMETERS = 500_000_000
"""A network of more parameters is not built: a damaged file must not take all memory."""


@dataclass(frozen=True)
class _Kind:
    network: type[nn.Module]
    config: type[Any]


def _kind(name: object, where: str) -> _Kind:
    if not isinstance(name, str) or name not in KINDS:
        raise SchemaError(f"{where}.kind must be one of {', '.join(KINDS)}, not {str(name)[:60]!r}")
    module, network, config = KINDS[name].split(":")
    found = import_module(module)
    return _Kind(getattr(found, network), getattr(found, config))


def network_config(description: object, where: str) -> Any:
    """Return the configuration in a description. Raises SchemaError for a mistake in it. where: for the message."""
    if not isinstance(description, Mapping) or set(description) != {"kind", "config"}:
        raise SchemaError(f"{where} must be a table with the keys kind and config")
    return read_object(_kind(description["kind"], where).config, description["config"], f"{where}.config")


def build_network(description: object, where: str) -> nn.Module:
    """Build an untrained network from its description. Raises SchemaError for a mistake in it, or a huge network."""
    config = network_config(description, where)
    network = _kind(description["kind"], where).network  # type: ignore[index]
    if parameter_count(network, config) > MOST_PARAMETERS:
        raise SchemaError(f"{where} has more than {MOST_PARAMETERS:,} parameters")
    return network(config)


def parameter_count(network: type[nn.Module], config: Any) -> int:
    """Return the number of weights (buffers included) of a network, without taking memory for them."""
    with torch.device("meta"):
        built = network(config)
    return sum(tensor.numel() for tensor in (*built.parameters(), *built.buffers()))


def describe_network(network: nn.Module) -> dict[str, Any]:
    """Return the description of a network, as JSON holds it. The inverse of `build_network`."""
    config: Any = network.config
    path = f"{type(network).__module__}:{type(network).__name__}:{type(config).__name__}"
    kind = next(name for name, known in KINDS.items() if known == path)
    return {"kind": kind, "config": json.loads(json.dumps(asdict(config)))}
