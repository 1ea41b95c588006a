"""The learning-rate schedule and the optimizers of all stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from reverie.training.loop.muon import Muon

if TYPE_CHECKING:
    from reverie.training.loop.stage import OptimizerConfig


def learning_rate(config: OptimizerConfig, step: int, share: float) -> float:
    """Return the learning rate of step `step`, when `share` (0 to 1) of the training time is over.

    It rises over the first steps, stays, and falls linearly to zero over the last `decay_share` of the time.
    """
    warmup = min(1.0, (step + 1) / config.warmup_steps)
    return config.learning_rate * warmup * min(1.0, (1 - share) / config.decay_share)


def adamw(network: nn.Module, config: OptimizerConfig) -> list[torch.optim.Optimizer]:
    """AdamW for all weights."""
    return [
        torch.optim.AdamW(
            network.parameters(),
            lr=config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
            fused=True,
        )
    ]


def muon_and_adamw(network: nn.Module, config: OptimizerConfig, precision: torch.dtype) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, stacks of matrices and convolutions inside a network, AdamW for the rest."""
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        owner = network.get_submodule(name.rpartition(".")[0])
        inner = parameter.ndim in (2, 3, 4) and name.endswith("weight") and not isinstance(owner, nn.Embedding)
        (matrices if inner else rest).append(parameter)
    rate = config.learning_rate
    return [
        Muon(matrices, rate, config.weight_decay, precision),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]
