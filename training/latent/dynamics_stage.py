"""The stage that trains the latent diffusion dynamics, on windows of latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import torch
from torch import Tensor

from reverie.models.latent.autoencoder import Autoencoder
from reverie.models.latent.dynamics import CONTEXT_NOISE, LatentDynamics
from reverie.models.latent.layers import ConditionedLayer, TrunkLayer
from reverie.models.latent.motion import MotionBlock
from reverie.schema import Within
from reverie.training.latent.objectives import DrawnNoise, draw_noise, flow_losses, outcome_losses
from reverie.training.latent.own_context import redraw_context
from reverie.training.latent.windows import LatentEpisodes, LatentWindows
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.optimizers import muon_and_adamw
from reverie.training.loop.stage import GradientStage, Losses, OptimizerConfig

HELD_OUT_WINDOWS = 32
"""Windows that held-out figures are taken over."""


@dataclass(frozen=True)
class LatentDynamicsTraining(OptimizerConfig):
    """How the latent dynamics are trained.

    window: transitions in a window, a multiple of 4.
    batch: windows in a step.
    learning_rate: at its highest, for both optimizers (Muon and AdamW).
    rare_share: share of windows that hold a reward or the end of a round.
    lasting: share of windows whose noise in the past is mostly the same in every frame, as a dream's errors are.
    own_from: share of the time from which part of the windows go on from the model's own predictions.
    own_share: share of the windows that do.
    own_frames: frames at most that are the model's own.
    """

    window: Annotated[int, Within(4, 1024)] = 40
    batch: Annotated[int, Within(1, 65536)] = 6
    learning_rate: Annotated[float, Within(1e-8, 1)] = 2e-3
    average: Annotated[float, Within(0, 1)] = 0.998
    rare_share: Annotated[float, Within(0, 1)] = 0.25
    lasting: Annotated[float, Within(0, 1)] = 0.5
    own_from: Annotated[float, Within(0, 1)] = 0.4
    own_share: Annotated[float, Within(0, 1)] = 0.25
    own_frames: Annotated[int, Within(1, 256)] = 12

    def __post_init__(self) -> None:
        """Raises ValueError where a window cannot be divided into its parts."""
        if self.window % 4 or self.own_frames >= self.window:
            raise ValueError("window must be a multiple of 4, and more than own_frames")


class LatentBatch(NamedTuple):
    """Windows of a step.

    latents: (B, W + 1, S, channels) float32. actions: (B, W) int64. rewards: (B, W) int64, indices into the model's
    rewards. ended: (B, W) float32. games: (B,) int64. own: (B,) int64, last frames of the past that are the model's
    own. The rest: see `DrawnNoise`.
    """

    latents: Tensor
    actions: Tensor
    rewards: Tensor
    ended: Tensor
    games: Tensor
    own: Tensor
    shares: Tensor
    context: Tensor
    noise: Tensor
    level: Tensor
    size: Tensor


class LatentDynamicsStage(GradientStage[LatentDynamics, LatentBatch]):
    """Trains trunk, denoiser and outcome head together."""

    name = "dynamics"
    smallest_part = 1
    compiled_layers = (TrunkLayer, MotionBlock, ConditionedLayer)
    config: LatentDynamicsTraining

    def __init__(
        self,
        network: LatentDynamics,
        autoencoder: Autoencoder,
        train: LatentEpisodes,
        held_out: LatentEpisodes,
        config: LatentDynamicsTraining,
        minutes: float,
        seed: int,
        context: DeviceContext,
    ) -> None:
        """Both networks on the context's device. Raises ValueError where no episode has `window` transitions."""
        self.network, self.autoencoder, self.config, self.minutes = network, autoencoder, config, minutes
        self.seed, self.context = seed, context
        self.phases = (0.0, config.own_from)
        self.windows = LatentWindows(train, config.window + 1, config.rare_share)
        self.unseen = LatentWindows(held_out, config.window + 1)

    @property
    def frames_per_step(self) -> int:
        """Transitions of a batch."""
        return self.config.batch * self.config.window

    def batch(self, step: int) -> LatentBatch:
        """Windows of a step, with all that is drawn for them."""
        return self._batch(self.windows, self.config.batch, np.random.default_rng([self.seed, step]))

    def _batch(self, windows: LatentWindows, count: int, rng: np.random.Generator) -> LatentBatch:
        drawn = windows.draw(count, rng)
        latents = torch.from_numpy(drawn.latents)
        values = np.array(self.network.config.rewards or (0.0,), np.float32)
        rewards = np.abs(drawn.rewards[:, :-1, None] - values).argmin(-1)
        own = np.where(rng.random(count) < self.config.own_share, rng.integers(1, self.config.own_frames + 1, count), 0)
        own[np.argmax(own)] = max(own.max(), 1)  # at least one window, so that no step is without
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        noise = draw_noise(latents[:, 1:].shape, self.config.lasting, generator)
        return LatentBatch(
            latents,
            torch.from_numpy(drawn.actions[:, :-1]),
            torch.from_numpy(rewards),
            torch.from_numpy(drawn.ended[:, :-1].astype(np.float32)),
            torch.from_numpy(drawn.games),
            torch.from_numpy(own),
            *noise,
        )

    def loss(self, network: LatentDynamics, target: LatentDynamics, batch: LatentBatch, phase: int) -> Losses:
        """Squared error of the clean latents, of the finest steps and of the longer ones; nats of the outcome."""
        past = batch.latents[:, :-1]  # (B, W, S, channels)
        if phase > 0:
            past = redraw_context(target, past, batch.actions, batch.games, batch.own, batch.noise)
        share = torch.tensor(CONTEXT_NOISE, device=past.device)[batch.shares][..., None, None]
        hidden = network.trunk((1 - share) * past + share * batch.context, batch.actions, batch.shares, batch.games)
        noise = DrawnNoise(batch.shares, batch.context, batch.noise, batch.level, batch.size)
        losses = flow_losses(network, hidden, batch.latents[:, 1:], noise)
        if network.config.rewards:
            losses |= outcome_losses(network, hidden, batch.latents[:, 1:], batch.rewards, batch.ended)
        return losses, {name: value.detach() for name, value in losses.items()}

    @torch.no_grad()
    def held_out(self, network: LatentDynamics) -> dict[str, float]:
        """One step ahead of the true past: PSNR by number of steps, and that of autoencoder and copy beside it.

        All are against what the autoencoder draws of the true next frame, so that they show the dynamics alone.
        """
        rng, sums, count = (
            np.random.default_rng(0),
            {"steps_1": 0.0, "steps_2": 0.0, "steps_4": 0.0, "first_guess": 0.0, "copy_last": 0.0},
            0,
        )
        wrong = {"reward": 0.0, "ended": 0.0}
        device = next(network.parameters()).device
        for _ in range(HELD_OUT_WINDOWS // 4):
            batch = LatentBatch(*(x.to(device) for x in self._batch(self.unseen, 4, rng)))
            hidden = network.trunk(batch.latents[:, :-1], batch.actions, torch.zeros_like(batch.shares), batch.games)
            places = torch.arange(hidden.shape[1] // 2, hidden.shape[1], 4, device=device)
            known, latents = hidden[:, places].flatten(0, 1), batch.latents[:, 1:][:, places].flatten(0, 1)
            frames = self.autoencoder.decode(latents).float()
            noise = batch.noise[:, places].flatten(0, 1)
            drawn = {f"steps_{steps}": network.sample(known, noise, steps) for steps in (1, 2, 4)}
            drawn["first_guess"] = network.first_guess(known)
            drawn["copy_last"] = batch.latents[:, :-1][:, places].flatten(0, 1)
            for name, made in drawn.items():
                sums[name] += float((self.autoencoder.decode(made).float() - frames).square().mean())
            count += 1
            if network.config.rewards:
                rewards, ended = network.outcome(hidden.flatten(0, 1), batch.latents[:, 1:].flatten(0, 1))
                wrong["reward"] += float((rewards.argmax(-1) != batch.rewards.flatten()).float().mean())
                wrong["ended"] += float(((ended > 0) != (batch.ended.flatten() > 0)).float().mean())
        figures = {f"{name}_psnr_db": 10 * float(np.log10(255**2 / max(x / count, 1e-9))) for name, x in sums.items()}
        return figures | {f"{name}_error": x / count for name, x in wrong.items() if network.config.rewards}

    def optimizers(self, precision: torch.dtype) -> list[torch.optim.Optimizer]:
        """Muon for the matrices, AdamW for the rest."""
        return muon_and_adamw(self.network, self.config, precision)
