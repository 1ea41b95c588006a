"""The stage that trains the dynamics of the token family, on windows of tokens."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import numpy as np
import torch

from reverie.models.tokens.causal_head import CausalLayer
from reverie.models.tokens.networks import Dynamics
from reverie.models.tokens.trunk import TrunkLayer
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.schema import Within
from reverie.training.errors import RunError
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
from reverie.training.tokens.rollouts import Sampling, dream_past
from reverie.training.tokens.windows import TokenEpisodes, Windows

SEEN_LEAST = 0.05
"""Added to the share of illegal pictures of each game, so that one without any is not forgotten."""
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
    balance: minutes from one look at rollouts of each game to the next. From the first look on games are drawn by how
        often these show an illegal picture, so that the worst one gets the time. 0: they are drawn as `weights` say.
    own_share: share of the windows that end with frames of the model's own dream; 0 for none.
    own_from: share of the time from which they do.
    own_frames: how many such frames at most.
    own_passes: passes over such a frame, as in the parallel mode; 1 samples each position by itself.
    """

    window: Annotated[int, Within(1, 1024)] = 8
    batch: Annotated[int, Within(1, 65536)] = 8
    learning_rate: Annotated[float, Within(1e-8, 1)] = 2e-3
    rare_share: Annotated[float, Within(0, 1)] = 0.15
    still_share: Annotated[float, Within(0.001, 1)] = 0.25
    noise: HistoryNoise = field(default_factory=HistoryNoise)
    weights: tuple[float, ...] = ()
    balance: Annotated[float, Within(0, 1e6)] = 0.0
    own_share: Annotated[float, Within(0, 1)] = 0.0
    own_from: Annotated[float, Within(0, 1)] = 0.4
    own_frames: Annotated[int, Within(1, 256)] = 3
    own_passes: Annotated[int, Within(1, 64)] = 1

    def __post_init__(self) -> None:
        """Raises ValueError where the sizes do not fit one another."""
        if self.own_share and self.own_frames >= self.window:
            raise ValueError("own_frames must be less than window")


class Judge(Protocol):
    """Says how good the rollouts of a game are, such as `reverie.training.tokens.legal_share.LegalShare`.

    games: their names, by number.
    """

    games: tuple[str, ...]

    def __call__(self, network: TemporalVisualWorldModel, episodes: TokenEpisodes, game: int) -> float | None:
        """Return the share of legal pictures in rollouts from these episodes; None where the game cannot be read."""


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
        judge: Judge | None = None,
    ) -> None:
        """network: on the context's device. judge: of rollouts, where games are to be balanced.

        Raises ValueError where a game has no episode of `window` transitions, and RunError for several processes that
        are to balance games, because one alone looks at held-out data.
        """
        self.network, self.config, self.minutes, self.seed, self.context = network, config, minutes, seed, context
        self.windows = Windows(train, config.window + 1, config.rare_share, config.weights)
        self.held_out_episodes, self.judge = held_out, judge
        self.phases = (0.0, config.own_from) if config.own_share else (0.0,)
        self.legal: dict[str, float] = {}
        self.looked: float | None = None
        if judge is not None and context.processes > 1:
            raise RunError("games are balanced in one process alone; set balance to 0, or train without torchrun.")

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
        batch = training_batch(self.network.config, windows, self.config.noise, generator, still_share)
        if not self.config.own_share:
            return batch
        count = self.config.batch
        own = rng.integers(1, self.config.own_frames + 1, count) * (rng.random(count) < self.config.own_share)
        return batch._replace(own=torch.from_numpy(own), luck=torch.from_numpy(rng.integers(2**62, size=count)))

    def loss(self, network: Dynamics, target: Dynamics, batch: TrainingBatch, phase: int) -> Losses:
        """Mean nats by head. The figures are bits by head, and the share of changing tokens that is right."""
        if phase and batch.own is not None and batch.luck is not None:
            assert isinstance(target, TemporalVisualWorldModel)
            sampling, luck = Sampling(passes=self.config.own_passes), int(batch.luck[0])
            seen = dream_past(target, batch.seen, batch.actions, batch.games, batch.own, sampling, luck)
            batch = batch._replace(seen=seen)
        scores = batch_scores(network, batch)
        figures = {f"{head}_bits": nats.detach() / math.log(2) for head, nats in scores.loss.items()}
        changed = scores.changed.clamp(min=1)
        return scores.loss, figures | {f"{head}_changed": hits / changed for head, hits in scores.changed_hits.items()}

    def held_out(self, network: Dynamics) -> dict[str, float]:
        """Teacher-forced accuracy and bits per token, by head; the last look at rollouts of each game, if any are."""
        figures = held_out_scores(network, self.held_out_episodes, self.config.window)
        if self.judge is not None and self._look_is_due():
            assert isinstance(network, TemporalVisualWorldModel)
            self._balance(network, self.judge)
        return figures | self.legal

    def _look_is_due(self) -> bool:
        return self.looked is None or time.perf_counter() - self.looked >= 60 * self.config.balance

    def _balance(self, network: TemporalVisualWorldModel, judge: Judge) -> None:
        """Look at rollouts of each game, and draw the games by how often these are illegal from the next batch on."""
        legal = {game: judge(network, self.held_out_episodes, game) for game in range(len(self.windows.games))}
        known = [1 - share for share in legal.values() if share is not None]
        usual = sum(known) / max(1, len(known))  # of a game that nothing can read
        worth = [SEEN_LEAST + (usual if share is None else 1 - share) for share in legal.values()]
        share = np.array(worth) * (self.windows.share > 0)
        self.windows.share = share / share.sum()
        self.looked = time.perf_counter()
        names = [judge.games[game] for game in legal]
        self.legal = {f"legal_{name}": x for name, x in zip(names, legal.values(), strict=True) if x is not None}
        self.legal |= {f"drawn_{name}": float(x) for name, x in zip(names, self.windows.share, strict=True)}

    def state(self) -> dict[str, Any]:
        """How often each game is drawn."""
        return {"share": torch.from_numpy(self.windows.share.copy())}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`; one of an older run has none."""
        if self.judge is not None and "share" in state:
            self.windows.share = state["share"].numpy()

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
