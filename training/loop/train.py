"""The one training loop. It owns the clock, the steps, the checkpoints, Ctrl-C, several processes and the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reverie.training.errors import RunError
from reverie.training.loop.checkpoint import load_state, load_weights, save_state, save_weights
from reverie.training.loop.clock import Clock
from reverie.training.loop.device_context import PRECISIONS, DeviceContext
from reverie.training.loop.interrupts import hold_back_interrupts
from reverie.training.loop.replicas import Replicas
from reverie.training.loop.stage import B, GradientStage, N, Stage
from reverie.training.loop.trainer import Trainer
from reverie.training.loop.utilisation import Meter, peak_flops

LOG_EVERY = 100
"""Steps from one line of the log to the next."""
HELD_OUT_EVERY = 180.0
"""Seconds from one look at held-out data to the next, or more where looking takes more than `HELD_OUT_SHARE`."""
HELD_OUT_SHARE = 0.03
"""Share of the training time at most that is spent with looking at held-out data."""
TELL_EVERY = 1.0
"""Seconds from one moment that a training tells of to the next; telling waits for the device."""
SAVE_EVERY = 30
"""Seconds from one checkpoint to the next."""
COMPILE_FROM = 10.0
"""Minutes of training from which it pays to compile layers on a processor."""
AGREE_EVERY = 20
"""Steps after which several processes agree how much of the time is over."""
Log = Callable[[str], None]


@dataclass(frozen=True)
class Moment:
    """Where a training stands, told once a second and whenever something is new.

    stage: its name. step: steps of the stage, those of earlier sessions included. seconds: training time of the stage.
    left: seconds of training that are left to the whole run. figures: their running means. held_out: figures on
    held-out data, where they were just looked at. saved: whether the weights were just written to the run's folder.
    """

    stage: str
    step: int
    seconds: float
    left: float
    figures: dict[str, float] = field(default_factory=dict)
    held_out: dict[str, Any] | None = None
    saved: bool = False


Watch = Callable[[Moment], None]


def run_stage(
    stage: Stage[N], run: Path, resume: bool, log: Log, context: DeviceContext, watch: Watch = lambda moment: None
) -> dict[str, Any] | None:
    """Train a stage to its end, or as far as it is not trained yet, in a run folder.

    resume: whether a checkpoint in the folder is continued. watch: is told how far it is, in the first process.
    Afterwards `stage.network` holds the trained weights, in
    every process, in evaluation mode and without gradients. Returns the figures on held-out data; None in all
    processes but the first, and where the stage was done before.
    """
    weights, state = run / f"{stage.name}.safetensors", run / f"{stage.name}-state.pt"
    fixed = stage.fixed_when_done if isinstance(stage, GradientStage) else True
    done, steps, figures = fixed and weights.exists() and not state.exists(), 0, None
    context.wait()  # before any process writes what the others have just looked for
    if not done:
        if isinstance(stage, GradientStage):
            if not stage.single_process:
                steps = train(stage, run, resume and state.exists(), log, context, watch)
            elif context.first:
                steps = train(stage, run, resume and state.exists(), log, replace(context, fabric=None), watch)
        elif context.first:
            stage.prepare()
            save_weights(weights, stage.network.state_dict())
        if context.first:
            figures = stage.held_out(stage.network.eval())
            log(f"{stage.name} held out: {figures_line(figures)}")
            if isinstance(stage, GradientStage):
                watch(Moment(stage.name, steps, 60 * stage.minutes, 0.0, held_out=figures, saved=True))
                figures = {"steps": steps, "frames": steps * stage.frames_per_step, **figures}
            if fixed:
                state.unlink(missing_ok=True)
        context.wait()
    load_weights(weights, stage.network)
    stage.network.eval().requires_grad_(False)
    return figures


def train(stage: GradientStage[N, B], run: Path, resume: bool, log: Log, context: DeviceContext, watch: Watch) -> int:
    """Train until the stage's minutes are over; `<name>.safetensors` and `<name>-state.pt` are written often.

    Afterwards the network holds the running mean of its weights. Returns the steps, those of earlier sessions included.
    """
    trainer, spent = Trainer(stage, context), 0.0
    if resume:
        state = load_state(run / f"{stage.name}-state.pt")
        try:
            trainer.restore(state)
            spent = float(state["seconds"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise RunError(f"{run / f'{stage.name}-state.pt'} is of another model; use another run folder.") from error
    elif context.first:
        stage.prepare()
    clock = Clock(stage.minutes * 60, spent)
    meter = _describe(trainer, log)
    _compile(trainer, clock, log)
    means: dict[str, Tensor] = {}
    told = looked = time.perf_counter()
    looking = 0.0

    def save() -> None:
        if context.first:
            # The state first: weights without a state are those of a stage that is done.
            save_state(run / f"{stage.name}-state.pt", {**trainer.state(), "seconds": clock.elapsed})
            save_weights(run / f"{stage.name}.safetensors", trainer.target.state_dict())

    stage.network.train()
    share = context.broadcast(clock.share)
    try:
        while share < 1:
            with hold_back_interrupts():
                for name, value in trainer.step(share).items():
                    means[name] = means[name].lerp(value.float(), 0.02) if name in means else value.float()
                if trainer.steps % LOG_EVERY == 0:
                    speed = meter.line(trainer.steps, trainer.prefetch.waited)
                    log(f"{stage.name} {share:4.0%} step {trainer.steps}: {figures_line(means)}; {speed}")
                if saved := clock.due(SAVE_EVERY):
                    save()
                held_out = None
                if context.first and (since := time.perf_counter()) - looked > max(
                    HELD_OUT_EVERY, looking / HELD_OUT_SHARE
                ):
                    held_out = stage.held_out(trainer.target)
                    looked = time.perf_counter()
                    looking = looked - since
                    log(f"{stage.name} held out: {figures_line(held_out)}")
                    meter.restart(trainer.steps, trainer.prefetch.waited)
                if context.processes == 1 or trainer.steps % AGREE_EVERY == 0:
                    share = context.broadcast(clock.share)
            if context.first and (saved or held_out or time.perf_counter() - told > TELL_EVERY):
                known = {name: float(mean) for name, mean in means.items()}
                left = clock.seconds - clock.elapsed
                watch(Moment(stage.name, trainer.steps, clock.elapsed, left, known, held_out, saved))
                told = time.perf_counter()
        trainer.enter_phase(1.0)
    finally:
        trainer.prefetch.close()
        with hold_back_interrupts():
            save()  # also on Ctrl-C
    stage.network.load_state_dict(trainer.target.state_dict())
    return trainer.steps


def _describe(trainer: Trainer[N, B], log: Log) -> Meter:
    """Log the sizes of a training. Returns the meter of its speed, with the FLOPs of a step on a GPU."""
    stage, context = trainer.stage, trainer.context
    parameters = sum(p.numel() for p in stage.network.parameters())
    products = next(name for name, precision in PRECISIONS.items() if precision == context.precision)
    log(f"{stage.name}: {parameters / 1e6:.2f} M parameters, products in {products}")
    if not context.on_gpu:
        return Meter(0, None, trainer.steps)
    name = torch.cuda.get_device_name(context.device)
    peak, flop = peak_flops(name, context.precision), trainer.flop_per_step()
    known = f"{peak / 1e12:.0f} TFLOP/s" if peak else "no peak known"
    log(f"{stage.name}: {context.processes} x {name} ({known}), {flop / 1e12:.2f} TFLOP a step each")
    return Meter(flop, peak, trainer.steps)


def _compile(trainer: Trainer[N, B], clock: Clock, log: Log) -> None:
    """Compile the layers on a processor, where enough time is left for that to pay."""
    name, left = trainer.stage.name, clock.seconds - clock.spent
    if not (isinstance(trainer.gradients, Replicas) and trainer.stage.compiled_layers and left >= 60 * COMPILE_FROM):
        return
    reason = trainer.gradients.compile(trainer.batch(trainer.steps), trainer.phase)
    seconds = clock.elapsed - clock.spent
    log(f"{name}: not compiled, {reason}" if reason else f"{name}: compiled after {seconds:.0f} s")


def figures_line(figures: dict[str, Any]) -> str:
    """Return figures on one line. A figure may be a table of numbers by game."""
    parts = []
    for name, value in figures.items():
        numbers = value.items() if isinstance(value, dict) else [("", value)]
        parts += [f"{name} {f'{game} ' if game else ''}{float(number):.4f}" for game, number in numbers]
    return ", ".join(parts)
