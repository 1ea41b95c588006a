"""Which networks there are, and how one is built from the sizes that a recipe or a run writes down."""

from __future__ import annotations

from typing import Any

from reverie.models.tokens.patch_vq import PatchVQ, PatchVQConfig
from reverie.models.tokens.two_level_vq import TwoLevelVQ, TwoLevelVQConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.models.v1.vqvae import VQVAE, VQVAEConfig
from reverie.models.v1.world_model import VisualWorldModel, VisualWorldModelConfig

KINDS = ("v1", "v1.1", "v2")
"""Generations of networks. v2 has those of v1.1, with more of their options in use."""

TokenizerConfig = VQVAEConfig | PatchVQConfig | TwoLevelVQConfig
DynamicsConfig = VisualWorldModelConfig | WorldModelConfig
Tokenizer = VQVAE | PatchVQ | TwoLevelVQ
Dynamics = VisualWorldModel | TemporalVisualWorldModel


def tokenizer_config(kind: str, sizes: dict[str, Any]) -> TokenizerConfig:
    """The configuration of a tokenizer; `fine` among the sizes asks for two levels. Raises TypeError for odd names."""
    if kind == "v1":
        return VQVAEConfig(**tuples(sizes))
    return TwoLevelVQConfig(**tuples(sizes)) if "fine" in sizes else PatchVQConfig(**tuples(sizes))


def dynamics_config(kind: str, sizes: dict[str, Any]) -> DynamicsConfig:
    """The configuration of a dynamics network. Raises TypeError for names it does not have."""
    return VisualWorldModelConfig(**tuples(sizes)) if kind == "v1" else WorldModelConfig(**tuples(sizes))


def build_tokenizer(config: TokenizerConfig) -> Tokenizer:
    """The tokenizer of a configuration, untrained."""
    match config:
        case VQVAEConfig():
            return VQVAE(config)
        case PatchVQConfig():
            return PatchVQ(config)
        case TwoLevelVQConfig():
            return TwoLevelVQ(config)


def build_dynamics(config: DynamicsConfig) -> Dynamics:
    """The dynamics of a configuration, untrained."""
    return VisualWorldModel(config) if isinstance(config, VisualWorldModelConfig) else TemporalVisualWorldModel(config)


def frame_size(config: TokenizerConfig) -> int:
    """Side in pixels of the frames that a tokenizer is made for."""
    match config:
        case VQVAEConfig():
            return 64
        case PatchVQConfig():
            return config.patch * config.grid[0]
        case TwoLevelVQConfig():
            return config.patch * config.grid[0] * config.fine


def positions(config: TokenizerConfig) -> int:
    """Number of tokens in a frame."""
    match config:
        case VQVAEConfig():
            return 64
        case PatchVQConfig():
            return config.grid[0] * config.grid[1]
        case TwoLevelVQConfig():
            return config.grid[0] * config.grid[1] * (1 + config.fine**2)


def codes(config: TokenizerConfig) -> int:
    """Number of a tokenizer's codes, those of both levels together."""
    return 2 * config.level_vocabulary if isinstance(config, TwoLevelVQConfig) else config.vocabulary


def tuples(sizes: dict[str, Any]) -> dict[str, Any]:
    """Sizes as a record or a recipe has them, with tuples for lists: JSON and TOML know lists only."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in sizes.items()}
