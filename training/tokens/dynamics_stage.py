"""The stage that trains the dynamics of the token family, on windows of tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch

from reverie.models.tokens.causal_head import CausalLayer
from reverie.models.tokens.networks import Dynamics
from reverie.models.tokens.trunk import TrunkLayer
from reverie.schema import Within
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.optimizers import muon_and_adamw
from reverie.training.loop.stage import GradientStage, Losses, OptimizerConfig
from reverie.training.tokens.objectives import (
    HistoryNoise,
    TrainingBatch,
    WindowTensors,
    batch_scores,
    training_batch,
    window_scores,
)
from reverie.training.tokens.windows import TokenEpisodes, Windows

HELD_OUT_WINDOWS = 128
"""Windows that held-out figures are taken over."""


@dataclass(frozen=True)
class DynamicsTraining(OptimizerConfig):
    """How the dynamics are trained.

    window: transitions in a window.
    batch: windows in a step.
    learning_rate: at its highest, for both optimizers (Muon and AdamW).
    weight_decay: of the matrices.
    rare_share: share of windows around something rare (a reward, a token that is seldom seen).
    still_share: share of the positions that do not change that the loss is taken over; on a GPU, all of them.
    noise: mistakes put into the history.
    weights: how often each game is drawn against the others, in the recording's order; equally often if empty.
    """

    window: Annotated[int, Within(1, 1024)] = 8
    batch: Annotated[int, Within(1, 65536)] = 8
    learning_rate: Annotated[float, Within(1e-8, 1)] = 2e-3
    rare_share: Annotated[float, Within(0, 1)] = 0.15
    still_share: Annotated[float, Within(0.001, 1)] = 0.25
    noise: HistoryNoise = field(default_factory=HistoryNoise)
    weights: tuple[float, ...] = ()


class DynamicsStage(GradientStage[Dynamics, TrainingBatch]):
    """Trains a dynamics network to predict the tokens of the next frame, its reward and the end of a round."""

    name = "dynamics"
    smallest_part = 4
    compiled_layers = (TrunkLayer, CausalLayer)
    config: DynamicsTraining

    def __init__(
        self,
        network: Dynamics,
        train: TokenEpisodes,
        held_out: TokenEpisodes,
        config: DynamicsTraining,
        minutes: float,
        seed: int,
        context: DeviceContext,
    ) -> None:
        """network: on the context's device. Raises ValueError where a game has no episode of `window` transitions."""
        self.network, self.config, self.minutes, self.seed, self.context = network, config, minutes, seed, context
        self.windows = Windows(train, config.window + 1, config.rare_share, config.weights)
        self.held_out_episodes = held_out

    @property
    def frames_per_step(self) -> int:
        """Transitions of a batch."""
        return self.config.batch * self.config.window

    def batch(self, step: int) -> TrainingBatch:
        """Windows of a step, with mistakes put into their history."""
        rng = np.random.default_rng([self.seed, step])
        windows = WindowTensors.of(self.windows.draw(self.config.batch, rng))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        # On a GPU, work that always has the same shape costs less than work that is left out.
        still_share = 1.0 if self.context.on_gpu else self.config.still_share
        return training_batch(self.network.config, windows, self.config.noise, generator, still_share)

    def loss(self, network: Dynamics, target: Dynamics, batch: TrainingBatch, phase: int) -> Losses:
        """Mean nats by head. The figures are bits by head, and the share of changing tokens that is right."""
        scores = batch_scores(network, batch)
        figures = {f"{head}_bits": nats.detach() / math.log(2) for head, nats in scores.loss.items()}
        changed = scores.changed.clamp(min=1)
        return scores.loss, figures | {f"{head}_changed": hits / changed for head, hits in scores.changed_hits.items()}

    def held_out(self, network: Dynamics) -> dict[str, float]:
        """Teacher-forced accuracy and bits per token, by head."""
        return held_out_scores(network, self.held_out_episodes, self.config.window)

    def optimizers(self, precision: torch.dtype) -> list[torch.optim.Optimizer]:
        """Muon for the matrices, AdamW for the rest."""
        return muon_and_adamw(self.network, self.config, precision)


@torch.no_grad()
def held_out_scores(
    network: Dynamics, episodes: TokenEpisodes, window: int, count: int = HELD_OUT_WINDOWS
) -> dict[str, float]:
    """Teacher-forced accuracy and bits per token on `count` windows of held-out episodes, by head."""
    windows, rng = Windows(episodes, window + 1), np.random.default_rng(0)
    device = next(network.parameters()).device
    sums: dict[str, float] = {"positions": 0, "changed": 0, "copied": 0}
    for _ in range(count // 16):
        drawn = WindowTensors(*(x.to(device) for x in WindowTensors.of(windows.draw(16, rng))))
        scores = window_scores(network, drawn)
        sums["positions"] += scores.positions
        sums["changed"] += int(scores.changed)
        sums["copied"] += int(scores.copied)
        for head, loss in scores.loss.items():
            if head not in scores.hits:
                sums[f"{head}_nats"] = sums.get(f"{head}_nats", 0) + float(loss) / (count // 16)
                continue
            for key, value in (("right", scores.hits[head]), ("changed", scores.changed_hits[head])):
                sums[f"{head}_{key}"] = sums.get(f"{head}_{key}", 0) + int(value)
            sums[f"{head}_bits"] = sums.get(f"{head}_bits", 0) + float(loss) / math.log(2) * scores.positions
    result = {"copy_last_accuracy": sums["copied"] / sums["positions"]}
    for head in ("parallel", "ar"):
        if f"{head}_right" in sums:
            result[f"{head}_token_accuracy"] = sums[f"{head}_right"] / sums["positions"]
            result[f"{head}_changed_token_accuracy"] = sums[f"{head}_changed"] / max(1, sums["changed"])
            result[f"{head}_token_nll_bits"] = sums[f"{head}_bits"] / sums["positions"]
    if "outcome_nats" in sums:
        result["outcome_nll_nats"] = sums["outcome_nats"]
    return result
