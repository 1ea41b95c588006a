"""Trains the dynamics network of a recipe on windows of tokens, until a time limit; can be stopped and resumed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.checkpoint import Clock, RunError, load_state, load_weights, save_state, save_weights
from training.objectives import Batch, HistoryNoise, window_scores
from training.team import Team
from training.windows import TokenEpisodes, Windows

SMALLEST_PART = 4
"""Fewer windows than this are not worth a thread of their own."""


@dataclass(frozen=True)
class DynamicsTraining:
    """How the dynamics are trained.

    window: transitions in a window.
    batch: windows in a step.
    learning_rate: at its highest, for both optimizers.
    weight_decay: of the matrices.
    warmup_steps: steps in which the rate rises.
    decay_share: last share of the time, in which the rate falls to zero.
    average: decay of the running average of the weights, which is what is exported.
    rare_share: share of windows around something rare (a reward, a seldom seen token).
    still_share: share of the positions that do not change that the loss is taken over.
    noise: mistakes put into the history.
    """

    window: int = 8
    batch: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    decay_share: float = 0.4
    average: float = 0.998
    rare_share: float = 0.15
    still_share: float = 0.25
    noise: HistoryNoise = field(default_factory=HistoryNoise)


class Optimizers:
    """Muon for the matrices inside the network, AdamW for all else.

    Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
    """

    def __init__(self, model: nn.Module, config: DynamicsTraining) -> None:
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            inner = (
                parameter.ndim == 2 and name.endswith("weight") and not isinstance(_owner(model, name), nn.Embedding)
            )
            (matrices if inner else rest).append(parameter)
        rate, decay = config.learning_rate, config.weight_decay
        self.parts = [
            torch.optim.Muon(matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),
        ]

    def step(self, rate: float) -> None:
        """One step at this learning rate; clears the gradients."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()
            part.zero_grad(set_to_none=True)


def _owner(model: nn.Module, parameter: str) -> nn.Module:
    return model.get_submodule(parameter.rpartition(".")[0])


def learning_rate(config: DynamicsTraining, step: int, share: float) -> float:
    """Rises over the first steps, stays, falls linearly to zero over the last `decay_share` of the time."""
    rise = min(1.0, (step + 1) / config.warmup_steps)
    return config.learning_rate * rise * min(1.0, (1 - share) / config.decay_share)


def train_dynamics(
    model: nn.Module,
    train: TokenEpisodes,
    held_out: TokenEpisodes,
    config: DynamicsTraining,
    run: Path,
    minutes: float,
    seed: int,
    resume: bool,
    log: Callable[[str], None],
) -> dict[str, float]:
    """Train until `minutes` are spent, over all sessions together; writes `dynamics.safetensors` every minute.

    Returns the figures on held-out episodes. Raises RunError where there is nothing to resume.
    """
    weights_path, live_path, state_path = run / "dynamics.safetensors", run / "live.safetensors", run / "trainer.pt"
    torch.manual_seed(seed)
    windows = Windows(train, config.window + 1, config.rare_share)
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    optimizers = Optimizers(model, config)
    step, spent = 0, 0.0
    if resume and state_path.exists():
        load_weights(live_path, model)
        state = load_state(state_path)
        step, spent = int(state["step"]), float(state["seconds"])
        for part, saved in zip(optimizers.parts, state["optimizers"], strict=True):
            part.load_state_dict(saved)
        average = state["average"]
    elif resume:
        raise RunError(f"{run} has no training of the dynamics to resume; leave --resume out.")
    log(f"dynamics: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters, {len(windows)} windows")
    rng = np.random.default_rng([seed, step])
    threads = torch.get_num_threads()
    team = Team(model, max(1, min(threads, config.batch // SMALLEST_PART)), seed + step)
    clock = Clock(minutes * 60, spent)
    recent: dict[str, float] = {}
    hits = np.zeros(3)

    def keep() -> None:
        save_weights(weights_path, average)
        save_weights(live_path, model.state_dict())
        optimizer_states = [part.state_dict() for part in optimizers.parts]
        state = {"step": step, "seconds": clock.elapsed, "optimizers": optimizer_states, "average": average}
        save_state(state_path, state)

    model.train()
    try:
        while clock.share < 1:
            batch = Batch.of(windows.draw(config.batch, rng))
            scores = team.gradients(batch, config.noise, config.still_share)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizers.step(learning_rate(config, step, clock.share))
            step += 1
            update_average(average, model, min(config.average, (step + 1) / (step + 10)))
            for head, value in scores.loss.items():
                recent[head] = 0.98 * recent.get(head, float(value)) + 0.02 * float(value)
            right = [*scores.changed_hits.values(), 0][:2]
            hits = 0.98 * hits + np.array([*right, scores.changed])
            if step % 100 == 0:
                losses = " ".join(f"{head} {value / math.log(2):.4f}" for head, value in recent.items())
                changed = " ".join(f"{x / hits[2]:.3f}" for x in hits[:2])
                log(f"dynamics {clock.share:4.0%} step {step}: bits {losses}; changed right {changed}")
            if clock.due(60):
                keep()
            if step % 1000 == 0:
                log(f"held out: {figures_line(held_out_figures(model, average, held_out, config.window))}")
    finally:
        keep()  # also on Ctrl-C
    model.load_state_dict(average)
    figures = held_out_scores(model, held_out, config.window)
    return {"steps": step, "frames": step * config.batch * config.window, **figures}


def update_average(average: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    """Move the running average of the weights towards the model's."""
    with torch.no_grad():
        for name, value in model.state_dict().items():
            average[name].lerp_(value, 1 - decay)


def held_out_figures(
    model: nn.Module, average: dict[str, Tensor], episodes: TokenEpisodes, window: int
) -> dict[str, float]:
    """`held_out_scores` of the averaged weights; the model keeps its own."""
    own = {name: value.detach().clone() for name, value in model.state_dict().items()}
    model.load_state_dict(average)
    scores = held_out_scores(model, episodes, window)
    model.load_state_dict(own)
    return scores


@torch.no_grad()
def held_out_scores(model: nn.Module, episodes: TokenEpisodes, window: int, count: int = 128) -> dict[str, float]:
    """Teacher-forced accuracy and bits per token on `count` windows of held-out episodes, by head."""
    model.eval()
    windows, rng = Windows(episodes, window + 1), np.random.default_rng(0)
    sums: dict[str, float] = {"positions": 0, "changed": 0, "copied": 0}
    for _ in range(count // 16):
        scores = window_scores(model, Batch.of(windows.draw(16, rng)))
        sums["positions"] += scores.positions
        sums["changed"] += scores.changed
        sums["copied"] += scores.copied
        for head, loss in scores.loss.items():
            if head not in scores.hits:
                sums[f"{head}_nats"] = sums.get(f"{head}_nats", 0) + float(loss) / (count // 16)
                continue
            for key, value in (("right", scores.hits[head]), ("changed", scores.changed_hits[head])):
                sums[f"{head}_{key}"] = sums.get(f"{head}_{key}", 0) + value
            sums[f"{head}_bits"] = sums.get(f"{head}_bits", 0) + float(loss) / math.log(2) * scores.positions
    model.train()
    result = {"copy_last_accuracy": sums["copied"] / sums["positions"]}
    for head in ("parallel", "ar"):
        if f"{head}_right" in sums:
            result[f"{head}_token_accuracy"] = sums[f"{head}_right"] / sums["positions"]
            result[f"{head}_changed_token_accuracy"] = sums[f"{head}_changed"] / sums["changed"]
            result[f"{head}_token_nll_bits"] = sums[f"{head}_bits"] / sums["positions"]
    if "outcome_nats" in sums:
        result["outcome_nll_nats"] = sums["outcome_nats"]
    return result


def figures_line(figures: dict[str, float]) -> str:
    """Figures on one line."""
    return ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
