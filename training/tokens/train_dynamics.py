"""Trains the dynamics network of a recipe on windows of tokens, until a time limit; can be stopped and resumed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reverie.models.tokens.networks import Dynamics
from reverie.training.loop.checkpoint import Clock, RunError, load_state, save_state, save_weights
from reverie.training.loop.device_context import PRECISIONS, Place
from reverie.training.loop.figures import figures_line
from reverie.training.loop.interrupts import held_back
from reverie.training.loop.muon import Muon
from reverie.training.loop.prefetch import Ahead
from reverie.training.loop.replicas import Device, Team
from reverie.training.loop.utilisation import Meter, flop_of, peak_flops
from reverie.training.tokens.objectives import (
    Batch,
    HistoryNoise,
    Lesson,
    Scores,
    lesson_scores,
    prepare,
    window_scores,
)
from reverie.training.tokens.windows import TokenEpisodes, Windows

SMALLEST_PART = 4
"""Fewer windows than this are not worth a thread of their own."""
SPEAK_EVERY = 100
"""Steps from one line of the log to the next."""
COMPILE_FROM = 10.0
"""Minutes of training from which it pays to compile on a processor."""
AGREE_EVERY = 20
"""Steps after which several processes agree how much of the time is over."""


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
    still_share: share of the positions that do not change that the loss is taken over; on a GPU, all of them.
    noise: mistakes put into the history.
    weights: how often each game is drawn against the others, in the recording's order; all alike where there are none.
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
    weights: tuple[float, ...] = ()


class Optimizers:
    """Muon for the matrices inside the network, AdamW for all else."""

    def __init__(self, model: nn.Module, config: DynamicsTraining, precision: torch.dtype) -> None:
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            inner = (
                parameter.ndim == 2 and name.endswith("weight") and not isinstance(_owner(model, name), nn.Embedding)
            )
            (matrices if inner else rest).append(parameter)
        rate, decay = config.learning_rate, config.weight_decay
        self.parts = [
            Muon(matrices, rate, decay, precision),
            torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
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


class DynamicsTrainer:
    """A dynamics network, its running average, and the steps that train it. Step n depends on the seed and n alone.

    In several processes every one draws the whole batch and takes its part, so that their number changes nothing.
    """

    def __init__(
        self, model: Dynamics, episodes: TokenEpisodes, config: DynamicsTraining, seed: int, place: Place
    ) -> None:
        """model: on the place's device. Raises RunError where a batch cannot be shared evenly."""
        if config.batch % place.processes:
            raise RunError(f"{place.processes} processes cannot share a batch of {config.batch} evenly.")
        self.model, self.config, self.seed, self.place = model, config, seed, place
        self.windows = Windows(episodes, config.window + 1, config.rare_share, config.weights)
        self.optimizers = Optimizers(model, config, place.precision)
        workers = max(1, min(torch.get_num_threads(), config.batch // SMALLEST_PART))
        alone_on_cpu = place.device.type == "cpu" and place.processes == 1
        self.team = Team(model, workers, place) if alone_on_cpu else Device(model, place)
        # After the processes have met: they all begin with the weights of the first.
        self.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.ahead = Ahead(self.lesson)
        self.steps = 0

    def lesson(self, step: int) -> Lesson:
        """This process's part of what a step learns from, on its device."""
        config, rng = self.config, np.random.default_rng([self.seed, step])
        batch = Batch.of(self.windows.draw(config.batch, rng))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        # On a GPU, work that always has the same shape costs less than work that is left out.
        still_share = 1.0 if self.place.on_gpu else config.still_share
        lesson = prepare(self.model.config, batch, config.noise, generator, still_share)
        return lesson.split(self.place.processes)[self.place.rank].moved(self.place.to_device)

    def step(self, share: float) -> Scores:
        """One step, at this share of the time."""
        scores = self.team.gradients(self.ahead.take(self.steps))
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizers.step(learning_rate(self.config, self.steps, share))
        self.steps += 1
        update_average(self.average, self.model, min(self.config.average, (self.steps + 1) / (self.steps + 10)))
        return scores

    def flop_per_step(self) -> int:
        """Of this process, forwards and backwards, counted on one window; leaves no gradient behind."""
        lesson = self.lesson(0)
        count = len(lesson.seen)
        one = lesson.split(count)[0]

        def work() -> None:
            with self.place.autocast():
                losses = lesson_scores(self.model, one).loss
            torch.stack(list(losses.values())).sum().backward()

        flop = flop_of(work)
        self.model.zero_grad(set_to_none=True)
        return flop * count

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        optimizers = [part.state_dict() for part in self.optimizers.parts]
        return {
            "step": self.steps,
            "model": self.model.state_dict(),
            "optimizers": optimizers,
            "average": self.average,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.steps = int(state["step"])
        self.model.load_state_dict(state["model"])
        for part, saved in zip(self.optimizers.parts, state["optimizers"], strict=True):
            part.load_state_dict(saved)
        for name, value in state["average"].items():
            self.average[name].copy_(value)


def train_dynamics(
    model: Dynamics,
    train: TokenEpisodes,
    held_out: TokenEpisodes,
    config: DynamicsTraining,
    run: Path,
    minutes: float,
    seed: int,
    resume: bool,
    log: Callable[[str], None],
    place: Place,
) -> dict[str, float]:
    """Train until `minutes` are spent, over all sessions together; writes `dynamics.safetensors` every minute.

    model: on the place's device. Returns the figures on held-out episodes. Raises RunError where there is nothing to
    resume.
    """
    weights_path, state_path = run / "dynamics.safetensors", run / "trainer.pt"
    torch.manual_seed(seed)
    trainer, spent = DynamicsTrainer(model, train, config, seed, place), 0.0
    if resume and state_path.exists():
        state = load_state(state_path)
        trainer.restore(state)
        spent = float(state["seconds"])
    elif resume:
        raise RunError(f"{run} has no training of the dynamics to resume; leave --resume out.")
    parameters = sum(p.numel() for p in model.parameters())
    products = next(name for name, precision in PRECISIONS.items() if precision == place.precision)
    log(f"dynamics: {parameters / 1e6:.2f} M parameters, {len(trainer.windows)} windows, products in {products}")
    name = torch.cuda.get_device_name(place.device) if place.on_gpu else ""
    peak = peak_flops(name, place.precision)
    meter = Meter(trainer.flop_per_step() if place.on_gpu else 0, peak, trainer.steps)
    if place.on_gpu:
        known = f"{peak / 1e12:.0f} TFLOP/s" if peak else "no peak known"
        log(f"dynamics: {place.processes} x {name} ({known}), {meter.flop / 1e12:.2f} TFLOP a step each")
    clock = Clock(minutes * 60, spent)
    if isinstance(trainer.team, Team) and minutes - spent / 60 >= COMPILE_FROM:
        hindrance = trainer.team.compile(trainer.lesson(trainer.steps))
        log(
            f"dynamics: not compiled, {hindrance}"
            if hindrance
            else f"dynamics: compiled after {clock.elapsed - spent:.0f} s"
        )
    recent: dict[str, Tensor] = {}
    hits = torch.zeros(3, device=place.device)

    def keep() -> None:
        if place.first:
            save_weights(weights_path, trainer.average)
            save_state(state_path, {**trainer.state(), "seconds": clock.elapsed})

    model.train()
    share = place.agreed(clock.share)
    try:
        while share < 1:
            with held_back():
                scores = trainer.step(share)
                for head, value in scores.loss.items():
                    recent[head] = 0.98 * recent.get(head, value) + 0.02 * value
                right = [*scores.changed_hits.values(), scores.changed * 0][:2]
                hits = 0.98 * hits + torch.stack([*right, scores.changed])
                if trainer.steps % SPEAK_EVERY == 0:
                    losses = " ".join(f"{head} {float(value) / math.log(2):.4f}" for head, value in recent.items())
                    changed = " ".join(f"{float(x / hits[2]):.3f}" for x in hits[:2])
                    speed = meter.line(trainer.steps, trainer.ahead.waited)
                    log(f"dynamics {share:4.0%} step {trainer.steps}: bits {losses}; changed right {changed}; {speed}")
                if clock.due(60):
                    keep()
                if trainer.steps % 1000 == 0 and place.first:
                    log(f"held out: {figures_line(held_out_figures(model, trainer.average, held_out, config.window))}")
                    meter.restart(trainer.steps, trainer.ahead.waited)
                if place.processes == 1 or trainer.steps % AGREE_EVERY == 0:
                    share = place.agreed(clock.share)
    finally:
        with held_back():
            keep()  # also on Ctrl-C
    model.load_state_dict(trainer.average)
    figures = held_out_scores(model, held_out, config.window)
    return {"steps": trainer.steps, "frames": trainer.steps * config.batch * config.window, **figures}


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
    device = next(model.parameters()).device
    sums: dict[str, float] = {"positions": 0, "changed": 0, "copied": 0}
    for _ in range(count // 16):
        batch = Batch(*(x.to(device) for x in Batch.of(windows.draw(16, rng))))
        scores = window_scores(model, batch)
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
