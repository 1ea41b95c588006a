"""A small dynamics stage for tests of the loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.trainer import Trainer
from reverie.training.tokens.dynamics_stage import DynamicsStage, DynamicsTraining
from reverie.training.tokens.windows import TokenEpisodes

SIZES: dict[str, Any] = {"vocabulary": 32, "grid": (4, 4), "width": 32, "layers": 2, "heads": 4, "causal_layers": 1}
CONFIG = WorldModelConfig(**SIZES, rewards=(-1.0, 0.0, 1.0))
TRAINING = DynamicsTraining(window=4, batch=8, warmup_steps=4, rare_share=0.5)
SHARES = [0.0, 0.1, 0.3, 0.5, 0.8, 0.95]


def episodes() -> TokenEpisodes:
    """Four episodes of 40 frames, in which a token in ten changes at a time."""
    rng = np.random.default_rng(0)
    tokens = np.zeros((160, 16), np.uint16)
    for t in range(1, 160):
        tokens[t] = np.where(rng.random(16) < 0.1, rng.integers(32, size=16), tokens[t - 1])
    rewards = rng.integers(-1, 2, 160).astype(np.float32)
    starts, lengths = np.arange(4) * 40, np.full(4, 40)
    actions = rng.integers(5, size=160).astype(np.uint8)
    return TokenEpisodes(tokens, actions, rewards, rewards < 0, starts, lengths, np.zeros(4, np.int64))


def dynamics_stage(context: DeviceContext | None = None, minutes: float = 1.0) -> DynamicsStage:
    """A stage whose network is the same each time."""
    torch.manual_seed(0)
    network = TemporalVisualWorldModel(CONFIG)
    return DynamicsStage(network, episodes(), episodes(), TRAINING, minutes, 1, context or DeviceContext())


def trainer(context: DeviceContext | None = None) -> Trainer[Any, Any]:
    """A trainer of `dynamics_stage`."""
    context = context or DeviceContext()
    return Trainer(dynamics_stage(context), context)


def losses(trained: Trainer[Any, Any], shares: list[float]) -> list[float]:
    """The losses of steps at these shares of the time."""
    return [float(trained.step(share)["loss"]) for share in shares]
