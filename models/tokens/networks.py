"""The types of tokenizers and dynamics in the token family, and functions that work for each of them."""

from __future__ import annotations

from reverie.models.tokens.learnt_patch_vq import LearntPatchVQConfig
from reverie.models.tokens.patch_vq import PatchVQ, PatchVQConfig
from reverie.models.tokens.two_level_vq import TwoLevelVQ, TwoLevelVQConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.models.v1.vqvae import VQVAE, VQVAEConfig
from reverie.models.v1.world_model import VisualWorldModel, VisualWorldModelConfig

TokenizerConfig = VQVAEConfig | PatchVQConfig | TwoLevelVQConfig
DynamicsConfig = VisualWorldModelConfig | WorldModelConfig
Tokenizer = VQVAE | PatchVQ | TwoLevelVQ
Dynamics = VisualWorldModel | TemporalVisualWorldModel


def build_tokenizer(config: TokenizerConfig) -> Tokenizer:
    """Build an untrained tokenizer."""
    match config:
        case VQVAEConfig():
            return VQVAE(config)
        case PatchVQConfig():
            return PatchVQ(config)
        case TwoLevelVQConfig():
            return TwoLevelVQ(config)


def build_dynamics(config: DynamicsConfig) -> Dynamics:
    """Build an untrained dynamics network."""
    return VisualWorldModel(config) if isinstance(config, VisualWorldModelConfig) else TemporalVisualWorldModel(config)


def frame_size(config: TokenizerConfig | LearntPatchVQConfig) -> int:
    """Return the side in pixels of a tokenizer's frames."""
    match config:
        case VQVAEConfig():
            return 64
        case PatchVQConfig() | LearntPatchVQConfig():
            return config.patch * config.grid[0]
        case TwoLevelVQConfig():
            return config.patch * config.grid[0] * config.fine


def positions(config: TokenizerConfig | LearntPatchVQConfig) -> int:
    """Return the number of tokens in a frame."""
    match config:
        case VQVAEConfig():
            return 64
        case PatchVQConfig() | LearntPatchVQConfig():
            return config.grid[0] * config.grid[1]
        case TwoLevelVQConfig():
            return config.grid[0] * config.grid[1] * (1 + config.fine**2)


def codes(config: TokenizerConfig | LearntPatchVQConfig) -> int:
    """Return the number of a tokenizer's codes, of both levels together."""
    return 2 * config.level_vocabulary if isinstance(config, TwoLevelVQConfig) else config.vocabulary
